"""A trained diffusion model of videos with its autoencoder: first clips, next clips, clip after clip."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import sha256_of
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.generation.pixels import Clips, as_clips, as_video

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from avtool.models.pvdm.autoencoder import VideoAutoencoder
    from avtool.models.pvdm.planes import PlaneGrid
    from avtool.models.pvdm.unet import PlaneUNet

ASSET = "autoencoder"
"""The folder of the autoencoder beside the weights."""


class SamplingRecipe(Recipe):
    """How clips are drawn."""

    steps: int = option(100, "Steps of a first clip, at most 1000.", flag="--steps", ge=1, le=1000)
    next_steps: int = option(
        20, "Steps of each following clip, at most 1000.", flag="--next-steps", ge=1, le=1000
    )
    sampler: str = option(
        "ddim",
        "ddim; ddpm, which takes all 1000 steps; or noise: decoded Gaussian noise in [-1, 1], a baseline.",
        flag="--sampler",
        pattern="^(ddim|ddpm|noise)$",
    )
    eta: float = option(1.0, "DDIM: share of the noise of DDPM; 0 adds none.", flag="--eta", ge=0, le=1)
    guidance: float = option(
        0.0, "Weight w of classifier-free guidance of next clips: (1 + w) ε(c) - w ε(0).", flag="--guidance",
        ge=0, le=20,
    )  # fmt: skip
    batch_size: int = option(8, "Videos drawn together; it does not change them.", ge=1, identity=False)


@dataclass(frozen=True)
class VideoGenerator:
    """A diffusion model on its device.

    Attributes:
        unet: predicts the noise in latents.
        autoencoder: encodes and decodes clips.
        device: where both are.
        content: SHA-256 of the U-Net's weights.
    """

    unet: "PlaneUNet"
    autoencoder: "VideoAutoencoder"
    device: "torch.device"
    content: str

    @classmethod
    def open(cls, path: Path, runtime: RuntimeRecipe, reporter: Reporter) -> "VideoGenerator":
        """Reads a run of `generate train`, or its model.

        Raises:
            BadInputError: it is none.
            CorruptArtifactError: its autoencoder is not there, or has planes of other sizes.
            MissingError: the device is not there.
        """
        import torch

        from avtool.models.foreign import locate
        from avtool.models.load import load_model
        from avtool.models.model_files import WEIGHTS
        from avtool.models.pvdm.autoencoder import VideoAutoencoder
        from avtool.models.pvdm.unet import PlaneUNet
        from avtool.models.runtime import choose_device, place

        folder = locate(path)
        unet = load_model(folder).model
        if not isinstance(unet, PlaneUNet):
            message = f"`{path}` is no diffusion model of videos"
            raise BadInputError(message, "give a run of `avtool generate train`")
        if not (folder / ASSET).is_dir():
            raise CorruptArtifactError(f"`{path}` lacks its autoencoder", "train it again")
        autoencoder = load_model(folder / ASSET).model
        assert isinstance(autoencoder, VideoAutoencoder), "the task keeps one"
        _check_planes(autoencoder.grid, unet.grid, path)
        device = choose_device(runtime.device)
        reporter.info(f"device: {device}")
        where = torch.device(device.value)
        for network in (unet, autoencoder):
            place(network, runtime, where)
        return cls(unet, autoencoder, where, sha256_of(folder / WEIGHTS))

    @property
    def frames(self) -> int:
        """S of a clip."""
        return self.autoencoder.settings.frames

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame."""
        return self.autoencoder.settings.height, self.autoencoder.settings.width

    def encode(self, clip: NDArray[np.uint8]) -> "Tensor":
        """The latents (1, C, N) of a clip (S, height, width, 3) uint8."""
        import torch

        with torch.inference_mode():
            return self.autoencoder.encode(as_video(clip)[None].to(self.device))

    def decode(self, latents: "Tensor") -> Clips:
        """The clips (B, S, height, width, 3) uint8 of latents (B, C, N)."""
        import torch

        with torch.inference_mode():
            return as_clips(self.autoencoder.decode(latents))

    def clips(
        self,
        seeds: Sequence[int],
        count: int,
        recipe: SamplingRecipe,
        *,
        before: "Tensor | None" = None,
        advance: Callable[[], None] | None = None,
    ) -> Iterator[Clips]:
        """Draws videos clip by clip; memory does not grow with their length.

        A clip follows on the latents of the one before as they were drawn, without decoding between them.

        Args:
            seeds: one a video: a video follows from its seed alone.
            count: clips of each.
            recipe: how.
            before: latents (1, C, N) of a clip to continue, or (videos, C, N); None for first clips.
            advance: called after each step.

        Yields:
            Clip after clip of all videos, (videos, S, height, width, 3).
        """
        import torch

        from avtool.inference.generation.sampling import ddim_sample, ddpm_sample, draw_noise, guided

        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        shape = (len(seeds), self.unet.settings.latent_channels, self.unet.grid.length)
        condition = None if before is None else before.expand(*shape)
        with torch.inference_mode():
            for _ in range(count):
                noise = draw_noise(torch.empty(shape, device=self.device), generators)
                denoise = guided(self.unet, condition, recipe.guidance)
                if recipe.sampler == "noise":
                    latents = noise.clamp(-1, 1)
                elif recipe.sampler == "ddpm":
                    latents = ddpm_sample(denoise, noise, generators, advance=advance)
                else:
                    steps = recipe.steps if condition is None else recipe.next_steps
                    latents = ddim_sample(
                        denoise, noise, generators, steps=steps, eta=recipe.eta, advance=advance
                    )
                yield self.decode(latents)
                condition = latents

    def estimate(self, videos: int, count: int, recipe: SamplingRecipe, *, continues: bool) -> float:
        """Seconds that drawing would take, from one step and one decoding of a batch, measured here.

        Args:
            videos: how many.
            count: clips of each.
            recipe: how.
            continues: whether a clip is continued.
        """
        import torch

        from avtool.inference.generation.sampling import guided

        batch = min(videos, recipe.batch_size)
        latents = torch.zeros(batch, self.unet.settings.latent_channels, self.unet.grid.length).to(
            self.device
        )
        condition = latents if continues or count > 1 else None
        denoise, moment = guided(self.unet, condition, recipe.guidance), torch.zeros(batch, dtype=torch.int64)
        with torch.inference_mode():
            begun = time.perf_counter()
            denoise(latents, moment.to(self.device))
            stepped = time.perf_counter()
            self.decode(latents)
            decoded = time.perf_counter()
        steps = self.steps(count, recipe, continues=continues)
        batches = -(-videos // recipe.batch_size)
        return batches * (steps * (stepped - begun) + count * (decoded - stepped))

    def steps(self, count: int, recipe: SamplingRecipe, *, continues: bool) -> int:
        """Steps of a video of so many clips."""
        if recipe.sampler != "ddim":
            return 1000 * count if recipe.sampler == "ddpm" else 0
        first = recipe.next_steps if continues else recipe.steps
        return first + (count - 1) * recipe.next_steps


def _check_planes(autoencoder: "PlaneGrid", unet: "PlaneGrid", path: Path) -> None:
    if autoencoder != unet:
        message = f"`{path}`: the autoencoder has planes of {autoencoder}, the U-Net of {unet}"
        raise CorruptArtifactError(message, "train the U-Net on this autoencoder")
