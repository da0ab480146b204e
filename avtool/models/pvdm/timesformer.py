"""TimeSformer blocks: attention over time, attention over space, GEGLU; positions by rotation alone.

Shapes: B clips, S frames, N patches of a frame, D width, h heads of d channels.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from avtool.models.layers.attention import attend

Rotary = Literal["halves", "pairs"]
"""How time's angles lie over the channels. `halves`, as published: the frequencies twice in a row, so that
the two channels of a rotated pair have different angles, and the map is no rotation. `pairs`: each frequency
for both channels of its pair, a rotation."""

Table = tuple[Tensor, Tensor]
"""Sines and cosines, (positions, d) each."""


def time_table(frames: int, head_dim: int, layout: Rotary, device: torch.device) -> Table:
    """Angles of frames: position x 10000^(-2i / d)."""
    exponents = torch.arange(0, head_dim, 2, device=device).float() / head_dim
    angles = torch.arange(frames, device=device).float()[:, None] / 10000**exponents
    angles = torch.cat([angles, angles], dim=-1) if layout == "halves" else angles.repeat_interleave(2, -1)
    return angles.sin(), angles.cos()


def space_table(rows: int, columns: int, head_dim: int, device: torch.device) -> Table:
    """Angles of patches, row by row: the first half of the channels follows rows, the second columns.

    d / 4 scales from 1 to 5, evenly spaced as logarithms, times π, times positions in [-1, 1].
    """
    scales = torch.logspace(0.0, math.log2(5.0), head_dim // 4, base=2, device=device) * math.pi
    down, along = (torch.linspace(-1.0, 1.0, n, device=device)[:, None] * scales for n in (rows, columns))
    grid = torch.cat(
        [down[:, None].expand(-1, columns, -1), along[None].expand(rows, -1, -1)], dim=-1
    ).flatten(0, 1)
    angles = grid.repeat_interleave(2, dim=-1)
    return angles.sin(), angles.cos()


def rotate(values: Tensor, table: Table) -> Tensor:
    """Turns adjacent pairs of channels (…, positions, d) by the angles of a table."""
    sines, cosines = (part.to(values.dtype) for part in table)
    first, second = torch.unflatten(values, -1, (-1, 2)).unbind(-1)
    turned = torch.stack([-second, first], dim=-1).flatten(-2)
    return values * cosines + turned * sines


class RotaryAttention(nn.Module):
    """Softmax attention within each sequence; queries and keys are rotated by their positions.

    Args:
        dim: width D.
        heads: number of heads.
        head_dim: channels of a head; D need not be their product.
    """

    def __init__(self, dim: int, heads: int, head_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * heads * head_dim, bias=False)
        self.proj = nn.Linear(heads * head_dim, dim)

    def forward(self, tokens: Tensor, table: Table | None = None) -> Tensor:
        """(sequences, positions, D) → the same shape."""
        parts = torch.unflatten(self.qkv(tokens), -1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).contiguous()
        query, key, value = parts.unbind(0)
        if table is not None:
            query, key = rotate(query, table), rotate(key, table)
        attended = attend(query, key, value)
        output: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return output


class GatedMlp(nn.Module):
    """Linear, GEGLU, Linear: half of the inner channels, times the GELU of the other half.

    Args:
        dim: width D.
        expansion: inner channels after the gate, over D.
    """

    def __init__(self, dim: int, expansion: int = 4) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, 2 * expansion * dim)
        self.fc2 = nn.Linear(expansion * dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """(…, D) → (…, D)."""
        values, gates = self.fc1(tokens).chunk(2, dim=-1)
        output: Tensor = self.fc2(values * F.gelu(gates))
        return output


class SpaceTimeBlock(nn.Module):
    """x += time attention; x += space attention; x += MLP; each after a layer norm.

    Args:
        dim: width D.
        heads: of both attentions.
        head_dim: channels of a head.
    """

    def __init__(self, dim: int, heads: int, head_dim: int) -> None:
        super().__init__()
        self.time_norm, self.space_norm, self.mlp_norm = (nn.LayerNorm(dim) for _ in range(3))
        self.time_attn = RotaryAttention(dim, heads, head_dim)
        self.space_attn = RotaryAttention(dim, heads, head_dim)
        self.mlp = GatedMlp(dim)

    def forward(self, tokens: Tensor, time: Table, space: Table) -> Tensor:
        """(B, S, N, D) → the same shape."""
        batch_size = len(tokens)
        over_time = self.time_norm(tokens).transpose(1, 2).flatten(0, 1)
        moved = torch.unflatten(self.time_attn(over_time, time), 0, (batch_size, -1)).transpose(1, 2)
        tokens = tokens + moved
        over_space = self.space_norm(tokens).flatten(0, 1)
        tokens = tokens + torch.unflatten(self.space_attn(over_space, space), 0, (batch_size, -1))
        updated: Tensor = tokens + self.mlp(self.mlp_norm(tokens))
        return updated


class TimeSformer(nn.Module):
    """A stack of blocks over a grid of patches of any size, without a norm at its end.

    Args:
        dim: width D.
        depth: number of blocks.
        heads: attention heads.
        head_dim: channels of a head; a multiple of 4.
        rotary: the layout of time's angles.
        recompute: recompute activations in backward, to save memory.
    """

    def __init__(
        self, dim: int, depth: int, heads: int, head_dim: int, rotary: Rotary, *, recompute: bool = False
    ) -> None:
        super().__init__()
        self.head_dim, self.rotary, self.recompute = head_dim, rotary, recompute
        self.blocks = nn.ModuleList(SpaceTimeBlock(dim, heads, head_dim) for _ in range(depth))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, S, rows, columns, D) → the same shape."""
        _, frames, rows, columns, _ = tokens.shape
        time = time_table(frames, self.head_dim, self.rotary, tokens.device)
        space = space_table(rows, columns, self.head_dim, tokens.device)
        tokens = tokens.flatten(2, 3)
        for block in self.blocks:
            if self.recompute and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, time, space, use_reentrant=False)
            else:
                tokens = block(tokens, time, space)
        return torch.unflatten(tokens, 2, (rows, columns))
