"""Attention inside small windows of a grid of tokens, after Swin Transformer V2 (Liu et al., 2022)."""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.layers.block import Mlp
from avtool.models.layers.position import Grid
from avtool.models.layers.settings import require
from avtool.models.masked.patch_encoder import MLP_RATIO, NORM_EPS

_MAX_LOG_SCALE = math.log(100.0)


class WindowAttention(nn.Module):
    """Cosine attention of the tokens of a window, with a bias from their log-spaced offsets.

    Args:
        dim: width D.
        num_heads: attention heads; each learns the logarithm of its scale, from 0.
        window: sides of a window.
        hidden_dim: width of the network that makes the bias.
    """

    def __init__(self, dim: int, num_heads: int, window: Grid, hidden_dim: int = 384) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.logit_scale = nn.Parameter(torch.zeros(num_heads))
        self.meta_mlp = nn.Sequential()
        self.meta_mlp.add_module("fc1", nn.Linear(2, hidden_dim))
        self.meta_mlp.add_module("act", nn.ReLU())
        self.meta_mlp.add_module("fc2", nn.Linear(hidden_dim, num_heads))
        self.register_buffer("offsets", _log_offsets(window), persistent=False)
        self.offsets: Tensor

    def forward(self, tokens: Tensor, together: Tensor | None = None) -> Tensor:
        """Attends inside windows.

        Args:
            tokens: (B, windows, N, D).
            together: (windows, N, N) True where two tokens may attend to each other; None where all may.
        """
        batch_size, num_windows, length, _ = tokens.shape
        query, key, value = self._split_heads(tokens)
        scale = self.logit_scale.clamp(max=_MAX_LOG_SCALE).exp()[:, None, None]
        bias = self.meta_mlp(self.offsets).permute(2, 0, 1)[None]  # (1, heads, N, N)
        if together is not None:
            bias = bias.masked_fill(~together[:, None], -torch.inf).repeat(batch_size, 1, 1, 1)
        attended = F.scaled_dot_product_attention(
            F.normalize(query, dim=-1) * scale, F.normalize(key, dim=-1), value, attn_mask=bias, scale=1.0
        )
        attended = attended.transpose(1, 2).reshape(batch_size, num_windows, length, -1)
        output: Tensor = self.proj(attended)
        return output

    def _split_heads(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """(B, windows, N, D) → three of (B · windows, heads, N, D / heads)."""
        batch_size, num_windows, length, _ = tokens.shape
        fused = self.qkv(tokens).reshape(batch_size * num_windows, length, 3, self.num_heads, -1)
        return tuple(fused.permute(2, 0, 3, 1, 4).unbind(0))


class WindowBlock(nn.Module):
    """x += LayerNorm(WindowAttention(x)); x += LayerNorm(Mlp(x)).

    A shifted block moves the windows by `shift`, so that neighbours on both sides of a border meet; tokens
    that the shift brings together from opposite ends of the grid do not attend to each other.

    Args:
        dim: width D.
        num_heads: attention heads.
        grid: rows and columns of tokens.
        window: sides of a window; a side that the grid does not exceed is taken whole and not shifted.
        shift: rows and columns.
    """

    def __init__(self, dim: int, num_heads: int, grid: Grid, window: Grid, shift: Grid = (0, 0)) -> None:
        super().__init__()
        self.grid = grid
        self.window = (min(grid[0], window[0]), min(grid[1], window[1]))
        require(
            grid[0] % self.window[0] == 0 and grid[1] % self.window[1] == 0,
            f"windows of {self.window[0]} x {self.window[1]} do not fill {grid[0]} x {grid[1]} patches",
            "choose another length, or decode globally",
        )
        rows, columns = (
            0 if side <= size else move for side, size, move in zip(grid, window, shift, strict=True)
        )
        self.shift = (rows, columns)
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = WindowAttention(dim, num_heads, self.window)
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim, MLP_RATIO * dim)
        together = _same_region(self.grid, self.window, self.shift) if any(self.shift) else None
        self.register_buffer("together", together, persistent=False)
        self.together: Tensor | None

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, rows, columns, D) → the same."""
        tokens = tokens + self.norm1(self._attend(tokens))
        updated: Tensor = tokens + self.norm2(self.mlp(tokens))
        return updated

    def _attend(self, tokens: Tensor) -> Tensor:
        rows, columns = self.shift
        moved = tokens.roll((-rows, -columns), (1, 2)) if any(self.shift) else tokens
        attended = join_windows(
            self.attn(cut_windows(moved, self.window), self.together), self.grid, self.window
        )
        return attended.roll((rows, columns), (1, 2)) if any(self.shift) else attended


def cut_windows(tokens: Tensor, window: Grid) -> Tensor:
    """(B, rows, columns, D) → (B, windows, tokens of a window, D)."""
    batch_size, rows, columns, dim = tokens.shape
    height, width = window
    boxes = tokens.reshape(batch_size, rows // height, height, columns // width, width, dim)
    return boxes.transpose(2, 3).reshape(batch_size, -1, height * width, dim)


def join_windows(windows: Tensor, grid: Grid, window: Grid) -> Tensor:
    """(B, windows, tokens of a window, D) → (B, rows, columns, D): the inverse of `cut_windows`."""
    (rows, columns), (height, width) = grid, window
    boxes = windows.reshape(
        windows.shape[0], rows // height, columns // width, height, width, windows.shape[-1]
    )
    return boxes.transpose(2, 3).reshape(windows.shape[0], rows, columns, windows.shape[-1])


def _log_offsets(window: Grid) -> Tensor:
    """(N, N, 2): sign(offset) · ln(1 + |offset|) between the tokens of a window, by rows and by columns."""
    sides = torch.meshgrid(*(torch.arange(side, dtype=torch.float32) for side in window), indexing="ij")
    places = torch.stack(sides, dim=-1).flatten(0, 1)
    offsets = places[:, None] - places[None, :]
    return offsets.sign() * offsets.abs().log1p()


def _same_region(grid: Grid, window: Grid, shift: Grid) -> Tensor:
    """(windows, N, N) True where two tokens of a moved window were neighbours before the move."""
    regions = torch.zeros(grid, dtype=torch.int64)
    for axis, (side, size, move) in enumerate(zip(grid, window, shift, strict=True)):
        place = torch.arange(side)
        number = (place >= side - size).long() + (place >= side - move).long()
        regions = regions * 3 + (number[:, None] if axis == 0 else number[None, :])
    marks = cut_windows(regions[None, :, :, None], window)[0, :, :, 0]
    return marks[:, :, None] == marks[:, None, :]
