"""Blocks of the three-plane U-Net: residual blocks, attention within and across planes, time embedding.

They are those of ADM (Dhariwal and Nichol, 2021), with weights that all planes share. Shapes: B clips,
C channels, E channels of the time embedding.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.layers.attention import attend

GROUPS = 32
"""Of every group norm."""

Planes = tuple[Tensor, ...]
"""Feature maps, (B, C, height, width) each."""

Resample = Literal["none", "down", "up"]


def timestep_embedding(timesteps: Tensor, dim: int) -> Tensor:
    """Sinusoids of times of diffusion: cosines first, then sines, at 10000^(-i / half).

    Args:
        timesteps: (B,).
        dim: even width.

    Returns:
        (B, dim) in float32.
    """
    half = dim // 2
    places = torch.arange(half, dtype=torch.float32, device=timesteps.device)
    angles = timesteps[:, None].float() * torch.exp(-math.log(10000) * places / half)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def share(planes: Planes, apply: Callable[[Tensor, int], Tensor]) -> Planes:
    """Applies shared layers to planes; those of one shape go through together, as one batch.

    Args:
        planes: of a batch of clips.
        apply: gets stacked planes, and how many they are.
    """
    found: dict[torch.Size, list[int]] = {}
    for number, plane in enumerate(planes):
        found.setdefault(plane.shape, []).append(number)
    results: dict[int, Tensor] = {}
    for numbers in found.values():
        stacked = planes[numbers[0]]
        if len(numbers) > 1:
            stacked = torch.cat([planes[number] for number in numbers])
        results |= zip(numbers, apply(stacked, len(numbers)).chunk(len(numbers)), strict=True)
    return tuple(results[number] for number in range(len(planes)))


class FloatGroupNorm(nn.GroupNorm):
    """Group norm of 32 groups, computed in float32 whatever the precision is."""

    def __init__(self, channels: int) -> None:
        super().__init__(GROUPS, channels)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, …) → the same shape and type."""
        normed = F.group_norm(maps.float(), GROUPS, self.weight.float(), self.bias.float(), self.eps)
        return normed.to(maps.dtype)


class ResidualBlock(nn.Module):
    """Norm, SiLU, convolution, norm scaled and shifted by the time, SiLU, convolution; plus its input.

    Args:
        channels: of the input.
        out_channels: of the output; a 1x1 convolution brings the input there.
        time_dim: E.
        dropout: before the last convolution.
        resample: `down` averages 2x2 values (fewer at an odd border), `up` repeats each.
    """

    def __init__(
        self, channels: int, out_channels: int, time_dim: int, dropout: float, resample: Resample = "none"
    ) -> None:
        super().__init__()
        self.resample = resample
        self.norm1 = FloatGroupNorm(channels)
        self.conv1 = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.time = nn.Linear(time_dim, 2 * out_channels)
        self.norm2 = FloatGroupNorm(out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = zero(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        equal = channels == out_channels
        self.skip: nn.Module = nn.Identity() if equal else nn.Conv2d(channels, out_channels, 1)

    def forward(self, maps: Tensor, time: Tensor) -> Tensor:
        """Maps (B, C, height, width) and their time embeddings (B, E)."""
        inner = F.silu(self.norm1(maps))
        if self.resample == "down":
            inner, maps = (F.avg_pool2d(part, 2, ceil_mode=True) for part in (inner, maps))
        elif self.resample == "up":
            inner, maps = (F.interpolate(part, scale_factor=2.0, mode="nearest") for part in (inner, maps))
        inner = self.conv1(inner)
        scale, shift = self.time(F.silu(time)).to(inner.dtype)[:, :, None, None].chunk(2, dim=1)
        inner = F.silu(self.norm2(inner) * (1 + scale) + shift)
        output: Tensor = self.skip(maps) + self.conv2(self.dropout(inner))
        return output


class MapAttention(nn.Module):
    """Attention of positions over each other, without position embeddings, plus its input.

    Args:
        channels: C.
        heads: number of heads.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = FloatGroupNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = zero(nn.Linear(channels, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, …) → the same shape."""
        tokens = self.norm(maps.flatten(2)).transpose(1, 2)
        parts = torch.unflatten(self.qkv(tokens), -1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        attended = attend(query, key, value)
        moved = self.proj(attended.transpose(1, 2).flatten(2)).transpose(1, 2)
        output: Tensor = maps + moved.reshape(maps.shape)
        return output


class PlaneBlock(nn.Module):
    """A level's step: residual block, attention within planes, resampling, attention across planes.

    Args:
        channels: of the input; with skip connections, of both together.
        out_channels: of the output.
        time_dim: E.
        heads: of the attention.
        dropout: of the residual blocks.
        attends: whether positions of a plane attend to each other.
        resample: of the only residual block where it is `down`, of a further one where it is `up`.
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        time_dim: int,
        heads: int,
        dropout: float,
        *,
        attends: bool,
        resample: Resample = "none",
    ) -> None:
        super().__init__()
        first: Resample = "down" if resample == "down" else "none"
        self.res = ResidualBlock(channels, out_channels, time_dim, dropout, first)
        self.attn = MapAttention(out_channels, heads) if attends else None
        self.up = None
        if resample == "up":
            self.up = ResidualBlock(out_channels, out_channels, time_dim, dropout, "up")
        self.cross = MapAttention(out_channels, heads)

    def forward(self, planes: Planes, time: Tensor, sizes: Sequence[torch.Size] = ()) -> Planes:
        """Planes of (B, C, height, width), and embeddings (B, E).

        Args:
            planes: of the level.
            time: of the clips.
            sizes: of the planes after `up`; a doubled odd side is cut to them.
        """

        def apply(maps: Tensor, count: int) -> Tensor:
            times = time.repeat(count, 1)
            maps = self.res(maps, times)
            if self.attn is not None:
                maps = self.attn(maps)
            return maps if self.up is None else self.up(maps, times)

        planes = share(planes, apply)
        if self.up is not None:
            pairs = zip(planes, sizes, strict=True)
            planes = tuple(plane[:, :, : size[0], : size[1]] for plane, size in pairs)
        return attend_across(self.cross, planes)


class MiddleBlock(nn.Module):
    """The U-Net's lowest step: residual block, attention, residual block, attention across planes."""

    def __init__(self, channels: int, time_dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.res1, self.res2 = (ResidualBlock(channels, channels, time_dim, dropout) for _ in range(2))
        self.attn = MapAttention(channels, heads)
        self.cross = MapAttention(channels, heads)

    def forward(self, planes: Planes, time: Tensor) -> Planes:
        """Planes of (B, C, height, width), and embeddings (B, E)."""

        def apply(maps: Tensor, count: int) -> Tensor:
            times = time.repeat(count, 1)
            updated: Tensor = self.res2(self.attn(self.res1(maps, times)), times)
            return updated

        return attend_across(self.cross, share(planes, apply))


def attend_across(attention: MapAttention, planes: Planes) -> Planes:
    """Lets the positions of all planes attend to each other, without a mark of their plane."""
    shapes = [plane.shape[2:] for plane in planes]
    tokens = attention(torch.cat([plane.flatten(2) for plane in planes], dim=-1))
    parts = torch.split(tokens, [shape.numel() for shape in shapes], dim=-1)
    return tuple(torch.unflatten(part, -1, tuple(shape)) for part, shape in zip(parts, shapes, strict=True))


def zero(layer: nn.Linear | nn.Conv2d) -> nn.Linear | nn.Conv2d:
    """The layer with weights and bias of zero, so that its block passes its input at first."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
