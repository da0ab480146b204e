"""Decoders from visible to masked tokens, over the whole clip or in windows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from avtool.models.layers.block import run_block
from avtool.models.layers.position import Grid
from avtool.models.layers.settings import require
from avtool.models.masked.initialize import xavier_uniform
from avtool.models.masked.masking import TokenSplit
from avtool.models.masked.patch_encoder import NORM_EPS, make_blocks, with_class_row
from avtool.models.masked.patch_grid import take
from avtool.models.masked.window_block import WindowBlock

DecoderKind = Literal["global", "window"]


@dataclass(frozen=True)
class DecoderSettings:
    """The size of a decoder.

    Attributes:
        decoder_dim: width.
        decoder_depth: number of blocks.
        decoder_heads: attention heads.
        decode_fraction: share of the masked tokens that training decodes, for speed; evaluation decodes all.
    """

    decoder_dim: int = 512
    decoder_depth: int = 8
    decoder_heads: int = 16
    decode_fraction: float = 1.0

    def __post_init__(self) -> None:
        require(
            self.decoder_dim % self.decoder_heads == 0,
            f"{self.decoder_heads} heads do not divide a decoder's width of {self.decoder_dim}",
        )
        require(0 < self.decode_fraction <= 1, f"the decoded share {self.decode_fraction:g} is not in (0, 1]")


class Decoder(nn.Module, ABC):
    """The base of decoders: a projection to another width, a mask token, positions.

    Shapes: B batch, L patches, V visible, M to decode, D width of the encoder, K predicted values.

    Args:
        in_dim: width D of the encoder.
        dim: width of the decoder.
        positions: (L, dim), fixed.
        num_values: values K that are predicted for a token.
        class_token: whether the encoder's class token comes along.
        embed_bias: of the first projection.
    """

    def __init__(
        self,
        in_dim: int,
        dim: int,
        positions: Tensor,
        num_values: int,
        *,
        class_token: bool,
        embed_bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_special = int(class_token)
        self.embed = nn.Linear(in_dim, dim, bias=embed_bias)
        self.mask_token = nn.Parameter(torch.empty(1, 1, dim).normal_(std=0.02))
        self.register_buffer("pos_embed", with_class_row(positions)[None] if class_token else positions[None])
        self.pos_embed: Tensor
        self.blocks = nn.ModuleList()
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.pred = nn.Linear(dim, num_values)

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """From input to output, for layer-wise decay of the learning rate."""
        return [(self.embed, self.mask_token), *((block,) for block in self.blocks)]

    def forward(self, tokens: Tensor, split: TokenSplit) -> Tensor:
        """Predicts masked tokens.

        Args:
            tokens: (B, [class token +] V, D) of the encoder.
            split: their places, and those of the M tokens that are wanted.

        Returns:
            (B, M, K), in the order of `split.masked`.
        """
        decoded = self._decode(self.embed(tokens), split)
        predicted: Tensor = self.pred(self.norm(decoded))
        return predicted

    @abstractmethod
    def _decode(self, tokens: Tensor, split: TokenSplit) -> Tensor:
        """(B, [class token +] V, dim) → (B, M, dim)."""


class GlobalDecoder(Decoder):
    """Global attention. Masked tokens follow the visible ones, as attention is permutation-equivariant.

    Args:
        in_dim: width D of the encoder.
        settings: the size.
        positions: (L, decoder_dim), fixed.
        num_values: values K that are predicted for a token.
        class_token: whether the encoder's class token comes along.
        embed_bias: of the first projection.
        recompute: trade time for memory in the backward pass.
    """

    def __init__(
        self,
        in_dim: int,
        settings: DecoderSettings,
        positions: Tensor,
        num_values: int,
        *,
        class_token: bool = True,
        embed_bias: bool = True,
        recompute: bool = False,
    ) -> None:
        dim = settings.decoder_dim
        super().__init__(in_dim, dim, positions, num_values, class_token=class_token, embed_bias=embed_bias)
        self.blocks = make_blocks(dim, settings.decoder_heads, [0.0] * settings.decoder_depth)
        self.recompute = recompute
        self.apply(xavier_uniform)

    def _decode(self, tokens: Tensor, split: TokenSplit) -> Tensor:
        positions = self.pos_embed.expand(tokens.shape[0], -1, -1)
        own = take(positions[:, self.num_special :], split.visible)
        if self.num_special:
            own = torch.cat([positions[:, :1], own], dim=1)
        wanted = self.mask_token + take(positions[:, self.num_special :], split.masked)
        decoded = torch.cat([tokens + own, wanted], dim=1)
        for block in self.blocks:
            decoded = run_block(block, decoded, recompute=self.recompute)
        return decoded[:, tokens.shape[1] :]


class WindowDecoder(Decoder):
    """Attention in windows of a spectrogram, which every other block shifts.

    After Huang et al., Masked Autoencoders that Listen (2022). A class token has no place in the grid and is
    dropped.

    Args:
        in_dim: width D of the encoder.
        settings: the size.
        grid: patches along (time, frequency).
        positions: (L, decoder_dim), fixed.
        num_values: values K that are predicted for a token.
        window: sides of a window.
        shift: how far odd blocks move their windows.
        class_token: whether the encoder's class token comes along.
        recompute: trade time for memory in the backward pass.
    """

    def __init__(
        self,
        in_dim: int,
        settings: DecoderSettings,
        grid: Grid,
        positions: Tensor,
        num_values: int,
        *,
        window: Grid = (4, 4),
        shift: Grid = (2, 2),
        class_token: bool = True,
        recompute: bool = False,
    ) -> None:
        require(
            settings.decode_fraction == 1,
            "a decoder with windows needs all masked tokens",
            "leave the decoded share at 1, or decode globally",
        )
        dim = settings.decoder_dim
        super().__init__(in_dim, dim, positions, num_values, class_token=class_token)
        self.grid = grid
        self.blocks = nn.ModuleList(
            WindowBlock(dim, settings.decoder_heads, grid, window, shift if layer % 2 else (0, 0))
            for layer in range(settings.decoder_depth)
        )
        self.recompute = recompute
        self.apply(xavier_uniform)

    def _decode(self, tokens: Tensor, split: TokenSplit) -> Tensor:
        batch_size, dim = tokens.shape[0], tokens.shape[-1]
        length = self.grid[0] * self.grid[1]
        place = split.visible[:, :, None].expand(-1, -1, dim)
        visible = tokens[:, self.num_special :].to(self.mask_token.dtype)
        whole = self.mask_token.expand(batch_size, length, dim).scatter(1, place, visible)
        whole = whole + self.pos_embed[:, self.num_special :]
        decoded = whole.reshape(batch_size, *self.grid, dim)
        for block in self.blocks:
            if self.recompute and torch.is_grad_enabled():
                decoded = checkpoint(block, decoded, use_reentrant=False)
            else:
                decoded = block(decoded)
        return take(decoded.flatten(1, 2), split.masked)
