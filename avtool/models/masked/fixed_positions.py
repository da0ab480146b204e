"""The fixed sine and cosine position tables of masked autoencoders, computed in double precision."""

import torch
from torch import Tensor

from avtool.models.layers.settings import require


def grid_positions(grid: tuple[int, ...], dim: int) -> Tensor:
    """The table of a grid of two or three sides (He et al., 2022; Feichtenhofer et al., 2022).

    Two sides: half of the width codes the column, the other half the row. Three: the first quarter codes the
    time, the rest row and column as before. A code is all sines, then all cosines.

    Args:
        grid: patches along (row, column) or (time, row, column).
        dim: width D; divisible by 4, for three sides by 16.

    Returns:
        (L, D) float32, the last side fastest.
    """
    unit = 4 if len(grid) == 2 else 16
    require(dim % unit == 0, f"positions of {len(grid)} sides need a width divisible by {unit}, not {dim}")
    places = torch.meshgrid(*(torch.arange(side, dtype=torch.float64) for side in grid), indexing="ij")
    *times, row, column = (place.flatten() for place in places)
    time_dim = dim // 4 if times else 0
    codes = [_code(time, time_dim) for time in times]
    codes += [_code(place, (dim - time_dim) // 2) for place in (column, row)]
    return torch.cat(codes, dim=1).float()


def transposed_positions(grid: tuple[int, ...], dim: int) -> Tensor:
    """The table of the published Audio-MAE: that of (frequency, time), given to tokens in (time, frequency).

    Token (t, f) of an 8 x 64 grid thus gets the code of row (8 t + f) // 64 and column (8 t + f) % 64. The
    published weights were trained with it; `grid_positions` gives the true place of a patch.
    """
    return grid_positions(grid[::-1], dim)


def _code(place: Tensor, dim: int) -> Tensor:
    """(N,) → (N, dim): sines, then cosines, of dim / 2 frequencies from 1 down to nearly 1 / 10000."""
    exponent = torch.arange(dim // 2, dtype=torch.float64) / (dim / 2)
    angle = place[:, None] * 10000.0**-exponent
    return torch.cat([angle.sin(), angle.cos()], dim=1)
