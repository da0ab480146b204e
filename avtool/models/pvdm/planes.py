"""Three planes of a video: their sizes, and the latents that hold them side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PLANES = ("xy", "yt", "xt")
"""The planes in the order of the latents: without time (rows x columns), without height (frames x columns),
without width (frames x rows). The names are those of the published weights, where `y` is the row that the
second plane no longer has."""


@dataclass(frozen=True)
class PlaneGrid:
    """The grid of a video's patches, which decides the sizes of its planes.

    Attributes:
        frames: S.
        rows: H' of patches.
        columns: W' of patches.
    """

    frames: int
    rows: int
    columns: int

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of each plane, in the order of `PLANES`."""
        return (self.rows, self.columns), (self.frames, self.columns), (self.frames, self.rows)

    @property
    def length(self) -> int:
        """Values of a channel of the latents: H'W' + SW' + SH'."""
        return sum(height * width for height, width in self.shapes)

    def split(self, latents: Tensor) -> tuple[Tensor, ...]:
        """(B, C, length) → the planes, each (B, C, height, width)."""
        parts = torch.split(latents, [height * width for height, width in self.shapes], dim=-1)
        return tuple(torch.unflatten(part, -1, shape) for part, shape in zip(parts, self.shapes, strict=True))

    def __str__(self) -> str:
        return f"{self.frames} frames of {self.rows} x {self.columns} patches"


def join(planes: Sequence[Tensor]) -> Tensor:
    """Planes, each (B, C, height, width), row by row and side by side: (B, C, length)."""
    return torch.cat([plane.flatten(2) for plane in planes], dim=-1)
