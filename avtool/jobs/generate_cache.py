"""A clip cache for the training of generators, with the latents of an autoencoder where one is given."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.data.clip_cache import CachedClips, cache_clips
from avtool.tasks.generation.autoencoder import autoencoder_settings
from avtool.tasks.generation.recipe import FrameSize, LatentVideosRecipe, sides
from avtool.tasks.generation.videos import TrainingVideos

_SIZE, _FRAMES = "256", 16


class GenerateCacheRecipe(Recipe):
    """Settings of `generate cache`."""

    size: FrameSize | None = option(
        None, "Frames in pixels, 64 or 64x96 (height x width).  [default: the autoencoder's, else 256]",
        flag="--size",
    )  # fmt: skip
    frames: int | None = option(
        None,
        "Frames that a video needs.  [default: the autoencoder's, else 16]",
        flag="--frames",
        ge=1,
        le=512,
    )
    every: int = option(
        1, "Keep each so many-th frame: 3 makes 8 frames a second of 24, and clips three times as long.",
        ge=1, le=1000,
    )  # fmt: skip
    autoencoder: Path | None = option(
        None, "Keep the latents of this run of `generate train-autoencoder` too.", flag="--autoencoder"
    )
    windows: int = option(
        8,
        "Latents: pairs of clips of each video, as `generate train` takes them.",
        flag="--latent-cache",
        ge=1,
    )
    val_windows: int = option(2, "Latents: pairs of each validation video.", ge=1, le=1000)
    val_share: float = option(0.1, "Latents: share held out where there are no splits.", ge=0, lt=1)
    seed: int = option(0, "Latents: seed of the training.", flag="--seed", ge=0)
    device: str = option("auto", "Latents: auto, cpu, cuda or cuda:1.", flag="--device")


@dataclass(frozen=True)
class GenerateCacheResult:
    """What was written.

    Attributes:
        cache: the clip cache.
        pairs: pairs of clips whose latents are kept, of training and validation.
    """

    cache: CachedClips
    pairs: int


def generate_cache(
    source: Path,
    out: Path,
    recipe: GenerateCacheRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    command: str = "generate cache",
) -> GenerateCacheResult:
    """Writes a clip cache, or finds the one that is there.

    Args:
        source: a film, a folder of films or of folders of frames, or a dataset.
        out: the artifact.
        recipe: how.
        reporter: receives progress.
        jobs: processes that decode.
        overwrite: replace whatever stands in `out`.
        command: the command line, for the card.

    Raises:
        BadInputError: there are no videos, none is long enough, or the autoencoder is none.
    """
    size, frames = recipe.size, recipe.frames
    settings: dict[str, Any] = {}
    if recipe.autoencoder is not None:
        clip = autoencoder_settings(recipe.autoencoder)
        wanted = f"{clip.height}x{clip.width}"
        if size is not None and sides(size) != (clip.height, clip.width):
            message = f"--size {size} is not the {wanted} of `{recipe.autoencoder}`"
            raise BadInputError(message, "leave --size out")
        size, frames = wanted, frames or clip.frames
        if frames < clip.frames:
            message = f"--frames {frames}, and a clip of `{recipe.autoencoder}` has {clip.frames}"
            raise BadInputError(message, "leave --frames out")
        settings = _latent_settings(recipe)

    def add_latents(folder: Path) -> None:
        if recipe.autoencoder is not None:
            _write_latents(folder, recipe, reporter)

    cache = cache_clips(
        source, out, sides(size or _SIZE), frames or _FRAMES, reporter,
        every=recipe.every, jobs=jobs, overwrite=overwrite, command=command, settings=settings,
        extend=add_latents,
    )  # fmt: skip
    return GenerateCacheResult(cache, count_pairs(out))


def _latent_settings(recipe: GenerateCacheRecipe) -> dict[str, Any]:
    from avtool.models.foreign import find_weights, locate

    assert recipe.autoencoder is not None, "latents are wanted"
    values = {"autoencoder": sha256_of(find_weights(locate(recipe.autoencoder)))}
    return {**values, **recipe.model_dump(include={"windows", "val_windows", "val_share", "seed"})}


def _write_latents(folder: Path, recipe: GenerateCacheRecipe, reporter: Reporter) -> None:
    from avtool.models.foreign import locate
    from avtool.tasks.generation.latents import KEPT, split_latents

    assert recipe.autoencoder is not None, "latents are wanted"
    videos = LatentVideosRecipe(
        windows=recipe.windows, val_windows=recipe.val_windows, val_share=recipe.val_share
    )
    clip = autoencoder_settings(recipe.autoencoder)
    found = TrainingVideos(folder, videos, recipe.seed)
    train, val, _ = found.decode((clip.height, clip.width), clip.frames, reporter)
    autoencoder = locate(recipe.autoencoder)
    split_latents((train, val), autoencoder, videos, recipe.seed, recipe.device, reporter, folder / KEPT)


def count_pairs(cache: Path) -> int:
    """Pairs of clips whose latents a clip cache keeps."""
    import numpy as np

    from avtool.tasks.generation.latents import KEPT

    total = 0
    for file in sorted((cache / KEPT).glob("*.npz")):
        with np.load(file, allow_pickle=False) as kept:
            total += len(kept["paired"])
    return total
