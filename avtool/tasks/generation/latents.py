"""Latents of pairs of clips, computed once and kept: in a clip cache, or else in this machine's."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from avtool.core.artifact import settings_hash
from avtool.core.files import atomic_file, sha256_of
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter
from avtool.inference.generation.pixels import as_video
from avtool.models.pvdm.schedule import NoiseSchedule
from avtool.tasks.generation.recipe import LatentVideosRecipe
from avtool.tasks.generation.videos import FrameSpan

if TYPE_CHECKING:
    from avtool.models.pvdm.autoencoder import VideoAutoencoder

FOLDER, KEPT = "video-latents", "latents"
"""Of this machine's cache, and of a clip cache."""
_SCHEMA = 1
_BATCH = 4
BEFORE, AFTER, ANY = range(3)
"""Clips of a pair: the first half, the second, and one that begins anywhere in the first."""
Latents = NDArray[np.float16]


def pair_latents(
    spans: Sequence[FrameSpan],
    autoencoder: "VideoAutoencoder",
    content: str,
    windows: int,
    seed: int,
    device: torch.device,
    reporter: Reporter,
    folder: Path | None = None,
    kept: Path | None = None,
) -> tuple[Latents, NDArray[np.bool_]]:
    """The latents of pairs of clips of each video.

    Args:
        spans: videos of at least S frames.
        autoencoder: on its device, in evaluation mode.
        content: a hash of its weights.
        windows: pairs of each video, evenly spaced; fewer where a video has not so many places.
        seed: of the clips that begin anywhere.
        device: where it computes.
        reporter: receives progress.
        folder: where they are kept; by default this machine's cache.
        kept: where they may be already.

    Returns:
        (pairs, 3, C, N) float16, and (pairs,) whether there is a clip before: a video of fewer than 2S
        frames has none, and is a first clip three times.
    """
    frames = autoencoder.settings.frames
    key = settings_hash([_SCHEMA, content, [span.content for span in spans], frames, windows, seed])
    file = (kept or Path()) / f"{key}.npz"
    if kept is None or not file.is_file():
        file = (folder or cache_folder() / FOLDER) / f"{key}.npz"
    if not file.is_file():
        places = [
            (span, *place)
            for number, span in enumerate(spans)
            for place in _places(len(span.frames), frames, windows, np.random.default_rng([seed, number]))
        ]
        values = np.concatenate(list(_encode(places, autoencoder, device, reporter)))
        paired = np.array([before is not None for _, before, _, _ in places])
        with atomic_file(file) as partial, partial.open("wb") as stream:
            np.savez(stream, values=values, paired=paired)
    with np.load(file, allow_pickle=False) as arrays:
        return arrays["values"], arrays["paired"]


def split_latents(
    splits: Sequence[Sequence[FrameSpan]],
    autoencoder: Path,
    recipe: LatentVideosRecipe,
    seed: int,
    device: str,
    reporter: Reporter,
    folder: Path | None = None,
    kept: Path | None = None,
) -> list[tuple[Latents, NDArray[np.bool_]]]:
    """The latents of training and validation, as `pair_latents` gives them; of no video none.

    Args:
        splits: the videos of training, and those held out.
        autoencoder: a run, or its model.
        recipe: pairs of each video.
        seed: of the training.
        device: auto, cpu, cuda or cuda:1.
        reporter: receives progress.
        folder: where they are kept; by default this machine's cache.
        kept: where they may be already.
    """
    from avtool.models.foreign import find_weights
    from avtool.models.load import load_model
    from avtool.models.runtime import choose_device

    where = torch.device(choose_device(device).value)
    network: VideoAutoencoder = load_model(autoencoder).model.to(where)  # type: ignore[assignment]
    content, found = sha256_of(find_weights(autoencoder)), []
    for spans, windows in zip(splits, (recipe.windows, recipe.val_windows), strict=True):
        if spans:
            given = (spans, network, content, windows, seed, where, reporter)
            found.append(pair_latents(*given, folder, kept))
        else:
            found.append((np.zeros((0, 3, 1, 1), np.float16), np.zeros(0, np.bool_)))
    return found


def _places(
    count: int, frames: int, windows: int, rng: np.random.Generator
) -> Iterator[tuple[int | None, int, int]]:
    """First frames of the clips of each pair: before, after, any."""
    room = count - 2 * frames
    if room < 0:
        for start in sorted({round(place) for place in np.linspace(0, count - frames, windows)}):
            yield None, start, start
        return
    for start in sorted({round(place) for place in np.linspace(0, room, windows)}):
        yield start, start + frames, start + int(rng.integers(frames + 1))


def _encode(
    places: Sequence[tuple[FrameSpan, int | None, int, int]],
    autoencoder: "VideoAutoencoder",
    device: torch.device,
    reporter: Reporter,
) -> Iterator[Latents]:
    frames = autoencoder.settings.frames
    with reporter.progress("latents", len(places)) as bar, torch.inference_mode():
        for first in range(0, len(places), _BATCH):
            batch = places[first : first + _BATCH]
            clips = [
                as_video(span.frames[start : start + frames])
                for span, before, after, anywhere in batch
                for start in (after if before is None else before, after, anywhere)
            ]
            latents = autoencoder.encode(torch.stack(clips).to(device)).cpu()
            yield latents.reshape(len(batch), 3, *latents.shape[1:]).numpy().astype(np.float16)
            bar.advance(len(batch))


class LatentSamples(Dataset[Any]):
    """Latents to make, each with those of the clip before, or with zeros for a first clip; noise, and a time.

    In training all draws follow from seed, epoch and index, and of held-out latents from the index alone.

    Args:
        latents: (pairs, 3, C, N).
        paired: (pairs,) whether there is a clip before.
        conditional: probability of a next clip, drawn for each sample.
        train: whether it is drawn; else every other pair is a next clip.
    """

    def __init__(
        self, latents: Latents, paired: NDArray[np.bool_], conditional: float, *, train: bool
    ) -> None:
        self.latents, self.paired, self.conditional, self.train = latents, paired, conditional, train

    def __len__(self) -> int:
        return len(self.latents)

    def __getitem__(self, index: int) -> dict[str, Any]:
        pair = torch.from_numpy(self.latents[index].astype(np.float32))
        if self.train:
            is_next = bool(torch.rand(()) < self.conditional)
        else:
            is_next = index % 2 == 0 and self.conditional > 0
        is_next = is_next and bool(self.paired[index])
        generator = None if self.train else torch.Generator().manual_seed(index)
        return {
            "latents": pair[AFTER if is_next else ANY],
            "latents_condition": pair[BEFORE] if is_next else torch.zeros_like(pair[BEFORE]),
            "noise": torch.randn(pair.shape[1:], generator=generator),
            "timestep": torch.randint(NoiseSchedule().times, (), generator=generator),
            "index": torch.tensor(index),
        }
