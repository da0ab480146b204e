"""Position embeddings: interpolation of a learned grid, and fixed sinusoids."""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

Grid = tuple[int, int]
"""Rows and columns of a grid of patches."""


def interpolate_position_grid(positions: Tensor, old: Grid, new: Grid, align_corners: bool = False) -> Tensor:
    """Resizes a grid of position embeddings bilinearly.

    Args:
        positions: (rows * columns, D), row by row.
        old: its grid.
        new: the grid wanted.
        align_corners: keep the corner positions exactly, as `scipy.ndimage.zoom` does.

    Returns:
        (new rows * new columns, D).
    """
    image = positions.reshape(*old, -1).permute(2, 0, 1)[None]
    resized = F.interpolate(image.float(), size=new, mode="bilinear", align_corners=align_corners)
    return resized[0].permute(1, 2, 0).flatten(0, 1).to(positions.dtype)


def crop_or_interpolate_position_grid(positions: Tensor, old: Grid, new: Grid) -> Tensor:
    """Fits a grid of position embeddings axis by axis, as AST does (Gong et al., 2021).

    An axis that shrinks keeps its middle, so that neighbours stay as far apart as they were learned; an axis
    that grows is interpolated bilinearly.

    Args:
        positions: (rows * columns, D), row by row.
        old: its grid.
        new: the grid wanted.

    Returns:
        (new rows * new columns, D).
    """
    kept = (min(old[0], new[0]), min(old[1], new[1]))
    top, left = (before // 2 - after // 2 for before, after in zip(old, kept, strict=True))
    grid = positions.reshape(*old, -1)[top : top + kept[0], left : left + kept[1]]
    return interpolate_position_grid(grid.flatten(0, 1), kept, new) if kept != new else grid.flatten(0, 1)


def sinusoids(length: int, dim: int) -> Tensor:
    """Fixed sine and cosine position embeddings (Vaswani et al., 2017), interleaved.

    Returns:
        (length, dim); `dim` is even.
    """
    assert dim % 2 == 0, f"sinusoids need an even width, not {dim}"
    frequency = torch.exp(torch.arange(0, dim, 2, dtype=torch.float64) * (-math.log(10000.0) / dim))
    angle = torch.arange(length)[:, None] * frequency  # in double: a long table has large angles
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1).float()
