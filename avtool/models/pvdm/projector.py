"""Projectors: a transformer along the axis that a plane removes."""

from typing import Literal

import torch
from torch import Tensor, nn

from avtool.models.layers.block import Mlp
from avtool.models.pvdm.timesformer import RotaryAttention

Readout = Literal["first", "token"]
"""What becomes the plane's value. `first`, as published: the output at the axis' first position, and not at
the learned token, which is appended at the end. `token`: the output at the token, as the paper describes."""


class ProjectorBlock(nn.Module):
    """x += Attention(LayerNorm(x)); x += Mlp(LayerNorm(x)), without biases in queries, keys and values."""

    def __init__(self, dim: int, heads: int, head_dim: int, mlp_dim: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = RotaryAttention(dim, heads, head_dim)
        self.mlp = Mlp(dim, mlp_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, D) → the same shape."""
        tokens = tokens + self.attn(self.norm1(tokens))
        updated: Tensor = tokens + self.mlp(self.norm2(tokens))
        return updated


class Projector(nn.Module):
    """Takes an axis of a grid of tokens away.

    Args:
        length: of the axis.
        dim: width D.
        depth: blocks.
        heads: attention heads.
        head_dim: channels of a head.
        mlp_dim: hidden width of the MLP.
        channels: C of the latents.
        readout: which position is read.
    """

    def __init__(
        self,
        length: int,
        dim: int,
        *,
        depth: int,
        heads: int,
        head_dim: int,
        mlp_dim: int,
        channels: int,
        readout: Readout,
    ) -> None:
        super().__init__()
        self.readout = readout
        self.token = nn.Parameter(torch.randn(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, length + 1, dim))
        self.blocks = nn.ModuleList(ProjectorBlock(dim, heads, head_dim, mlp_dim) for _ in range(depth))
        self.to_latent = nn.Linear(dim, channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, height, width, axis, D) → a plane (B, C, height, width) of values in (-1, 1)."""
        batch_size, height, width, length, dim = tokens.shape
        line = tokens.reshape(-1, length, dim)
        line = torch.cat([line, self.token.expand(len(line), -1, -1)], dim=1) + self.pos_embed
        for block in self.blocks:
            line = block(line)
        read = line[:, 0] if self.readout == "first" else line[:, -1]
        plane: Tensor = torch.tanh(self.to_latent(read))
        return plane.reshape(batch_size, height, width, -1).permute(0, 3, 1, 2)
