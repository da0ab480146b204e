"""A trained autoencoder of videos: clips of pixels, to latents and back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.generation.pixels import as_clips, as_video

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from avtool.models.pvdm.autoencoder import VideoAutoencoder

Clip = NDArray[np.uint8]
"""(S, height, width, 3) RGB."""


@dataclass(frozen=True)
class VideoReconstructor:
    """An autoencoder on its device.

    Attributes:
        network: the autoencoder.
        device: where it is.
        content: SHA-256 of its weights.
    """

    network: "VideoAutoencoder"
    device: "torch.device"
    content: str

    @classmethod
    def open(cls, path: Path, runtime: RuntimeRecipe, reporter: Reporter) -> "VideoReconstructor":
        """Reads a run of `generate train-autoencoder`, its model, or a checkpoint.

        Raises:
            BadInputError: it is none.
            MissingError: the device is not there.
        """
        import torch

        from avtool.models.foreign import find_weights, locate
        from avtool.models.load import load_model
        from avtool.models.pvdm.autoencoder import VideoAutoencoder
        from avtool.models.runtime import choose_device, place

        folder = locate(path)
        network = load_model(folder).model
        if not isinstance(network, VideoAutoencoder):
            message = f"`{path}` is no autoencoder of videos"
            raise BadInputError(message, "give a run of `avtool generate train-autoencoder`")
        device = choose_device(runtime.device)
        reporter.info(f"device: {device}")
        where = torch.device(device.value)
        place(network, runtime, where)
        return cls(network, where, sha256_of(find_weights(folder)))

    @property
    def frames(self) -> int:
        """S of a clip."""
        return self.network.settings.frames

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame."""
        return self.network.settings.height, self.network.settings.width

    @property
    def numbers(self) -> int:
        """Values of the latents of a clip."""
        return self.network.settings.latent_channels * self.network.grid.length

    def encode(self, clips: Sequence[Clip]) -> "Tensor":
        """The latents (B, C, N) of clips."""
        import torch

        with torch.inference_mode():
            return self.network.encode(as_video(np.stack(list(clips))).to(self.device))

    def decode(self, latents: "Tensor") -> list[Clip]:
        """The clips of latents (B, C, N)."""
        import torch

        with torch.inference_mode():
            return list(as_clips(self.network.decode(latents.to(self.device))))

    def batches(self, size: int) -> Callable[[Sequence[Clip]], list[Clip]]:
        """A function that reconstructs clips, so many at a time."""

        def restore(clips: Sequence[Clip]) -> list[Clip]:
            return [
                one
                for first in range(0, len(clips), size)
                for one in self.decode(self.encode(clips[first : first + size]))
            ]

        return restore
