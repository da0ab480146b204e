"""Grids of patches of images, spectrograms and videos."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from avtool.models.layers.settings import require

_SIZES = {
    "image": ("image_size", "image_size"),
    "audio": ("num_frames", "num_mel_bins"),
    "video": ("video_frames", "image_size", "image_size"),
}
"""The settings that give the sides of a clip, as a message calls them."""


@dataclass(frozen=True)
class PatchGrid:
    """How a clip is cut into boxes without overlap.

    Tokens lie row by row, the last side fastest: (row, column) of an image, (time, frequency) of a
    spectrogram, (time, row, column) of a video. The values of a box lie in the same order, channels last.

    Attributes:
        modality: "image" (B, 3, H, W), "audio" (B, T, F) or "video" (B, 3, T, H, W).
        size: sides of a clip.
        box: sides of a patch.
    """

    modality: str
    size: tuple[int, ...]
    box: tuple[int, ...]

    def __post_init__(self) -> None:
        for name, side, step in zip(_SIZES[self.modality], self.size, self.box, strict=True):
            nearest = max(1, round(side / step)) * step
            require(
                side > 0 and side % step == 0,
                f"{name} {side} is not a multiple of the patch's {step}",
                f"the nearest size is {nearest}",
            )

    @property
    def channels(self) -> int:
        """Colours, or 1."""
        return 1 if self.modality == "audio" else 3

    @property
    def shape(self) -> tuple[int, ...]:
        """Patches along each side."""
        return tuple(side // step for side, step in zip(self.size, self.box, strict=True))

    @property
    def num_tokens(self) -> int:
        """Patches L of a clip."""
        return math.prod(self.shape)

    @property
    def num_values(self) -> int:
        """Values K of a patch."""
        return self.channels * math.prod(self.box)

    def cut(self, clip: Tensor) -> Tensor:
        """Clips of the modality's shape → patches (B, L, K)."""
        expected = self.size if self.modality == "audio" else (self.channels, *self.size)
        require(
            clip.shape[1:] == expected,
            f"the model takes {self.modality} of {_words(expected)} a clip, not {_words(clip.shape[1:])}",
            "cut, pad or resize the clips to this, or build the model for their size",
        )
        sides = [part for pair in zip(self.shape, self.box, strict=True) for part in pair]
        boxes = clip.reshape(clip.shape[0], self.channels, *sides)
        rank = len(self.size)
        order = [0, *range(2, 2 + 2 * rank, 2), *range(3, 3 + 2 * rank, 2), 1]
        return boxes.permute(order).reshape(clip.shape[0], self.num_tokens, self.num_values)

    def join(self, patches: Tensor) -> Tensor:
        """Patches (B, L, K) → clips: the inverse of `cut`."""
        rank = len(self.size)
        boxes = patches.reshape(patches.shape[0], *self.shape, *self.box, self.channels)
        between = [axis for side in range(rank) for axis in (1 + side, 1 + rank + side)]
        clip = boxes.permute(0, 1 + 2 * rank, *between).reshape(patches.shape[0], self.channels, *self.size)
        return clip[:, 0] if self.modality == "audio" else clip


def take(tokens: Tensor, index: Tensor) -> Tensor:
    """The tokens (B, M, D) at places `index` (B, M) of (B, L, D)."""
    return torch.take_along_dim(tokens, index[:, :, None], dim=1)


def _words(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"
