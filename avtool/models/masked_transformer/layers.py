"""Encoder and decoder of the masked transformer: post-norm blocks, windows that multiply, cached decoding.

Shapes: B rows, T steps of a window, L tokens, D width, H heads.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def encode_positions(positions: Tensor, dim: int) -> Tensor:
    """Sinusoids of any positions: sines in even channels, cosines in odd ones; differentiable.

    Args:
        positions: (N,) in steps.
        dim: width.

    Returns:
        (N, dim).
    """
    channels = torch.arange(dim, device=positions.device)
    exponents = (channels - channels % 2).double() / dim
    angles = positions[:, None] / (10000**exponents).to(positions.dtype)
    return torch.where(channels % 2 == 0, angles.sin(), angles.cos())


class UnbiasedNorm(nn.Module):
    """Layer norm by the unbiased deviation, epsilon outside the root, as the published code has it."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, values: Tensor) -> Tensor:
        """(…, D) → (…, D)."""
        centred = values - values.mean(dim=-1, keepdim=True)
        return self.weight * centred / (values.std(dim=-1, keepdim=True) + 1e-6) + self.bias


@dataclass(frozen=True)
class BlockSettings:
    """What all blocks share.

    Attributes:
        dim, mlp_dim, heads: width D, width of the feed-forward layers, number of heads.
        dropout: of attention weights, and of what a block adds.
        parity: the published code's norm, and logits divided by √D instead of √(D / H).
    """

    dim: int
    mlp_dim: int
    heads: int
    dropout: float
    parity: bool

    def norm(self) -> nn.Module:
        """A new norm."""
        return UnbiasedNorm(self.dim) if self.parity else nn.LayerNorm(self.dim)


@dataclass
class DecoderCache:
    """Keys and values of one decoder layer.

    Attributes:
        context: of the encoder's steps, (B, H, T, D / H) each.
        own: of the tokens decoded so far, or None.
        context_mask: (B, 1, 1, T), True where a step may be attended to; None for all.
    """

    context: tuple[Tensor, Tensor]
    context_mask: Tensor | None
    own: tuple[Tensor, Tensor] | None = field(default=None)

    def reorder(self, rows: Tensor) -> None:
        """Lets row i continue what row `rows[i]` of the own tokens was, (B,)."""
        if self.own is not None:
            self.own = self.own[0][rows], self.own[1][rows]


class MultiHead(nn.Module):
    """Multi-head attention without biases."""

    def __init__(self, settings: BlockSettings) -> None:
        super().__init__()
        dim = settings.dim
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        self.heads = settings.heads
        self.dropout = settings.dropout
        self.scale = dim**-0.5 if settings.parity else (dim // settings.heads) ** -0.5

    def keys(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of (B, T, D), (B, H, T, D / H) each."""
        return self._split(self.key(context)), self._split(self.value(context))

    def forward(
        self, tokens: Tensor, keys: tuple[Tensor, Tensor], mask: Tensor | None = None, *, causal: bool = False
    ) -> Tensor:
        """Attends from (B, L, D) to keys and values; `mask` (B, 1, 1, T) is True where it may."""
        attended = F.scaled_dot_product_attention(
            self._split(self.query(tokens)), *keys, attn_mask=mask, is_causal=causal, scale=self.scale,
            dropout_p=self.dropout if self.training else 0.0,
        )  # fmt: skip
        output: Tensor = self.out(attended.transpose(1, 2).flatten(2))
        return output

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.reshape(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


class FeedForward(nn.Sequential):
    """Linear, ReLU, linear."""

    def __init__(self, settings: BlockSettings) -> None:
        super().__init__(
            nn.Linear(settings.dim, settings.mlp_dim), nn.ReLU(), nn.Linear(settings.mlp_dim, settings.dim)
        )


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward, each added and then normalised."""

    def __init__(self, settings: BlockSettings) -> None:
        super().__init__()
        self.attention, self.feed_forward = MultiHead(settings), FeedForward(settings)
        self.attention_norm, self.feed_forward_norm = settings.norm(), settings.norm()
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, steps: Tensor, mask: Tensor | None) -> Tensor:
        """(B, T, D) → (B, T, D)."""
        attended = self.attention(steps, self.attention.keys(steps), mask)
        steps = self.attention_norm(steps + self.dropout(attended))
        output: Tensor = self.feed_forward_norm(steps + self.dropout(self.feed_forward(steps)))
        return output


class Encoder(nn.Module):
    """The encoder that proposals and captions share.

    Args:
        settings: of its layers.
        depth: number of layers.
        length: steps T of a window.
    """

    def __init__(self, settings: BlockSettings, depth: int, length: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(settings) for _ in range(depth))
        self.dropout = nn.Dropout(settings.dropout)
        table = encode_positions(torch.arange(length, dtype=torch.float32), settings.dim)
        self.register_buffer("positions", table, persistent=False)
        self.positions: Tensor

    def forward(
        self, steps: Tensor, mask: Tensor | None = None, window: Tensor | None = None
    ) -> list[Tensor]:
        """The output of every layer.

        Args:
            steps: (B, T, D).
            mask: (B, T), True where a step may be attended to; None for all.
            window: (B, T) that the input and each layer's output are multiplied by.
        """
        keys = None if mask is None else mask[:, None, None, :]
        steps = self.dropout(steps + self.positions[: steps.shape[1]])
        outputs = []
        for layer in (None, *self.layers):
            steps = steps if layer is None else layer(steps, keys)
            steps = steps if window is None else steps * window[..., None]
            outputs.append(steps)
        return outputs[1:]


class DecoderLayer(nn.Module):
    """Causal self-attention, attention to the encoder, feed-forward, each added and then normalised."""

    def __init__(self, settings: BlockSettings) -> None:
        super().__init__()
        self.own, self.context = MultiHead(settings), MultiHead(settings)
        self.feed_forward = FeedForward(settings)
        self.own_norm, self.context_norm, self.feed_forward_norm = (settings.norm() for _ in range(3))
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, tokens: Tensor, cache: DecoderCache) -> Tensor:
        """(B, L, D) → (B, L, D); appends the tokens' keys and values to the cache."""
        keys = self.own.keys(tokens)
        first = cache.own is None
        if cache.own is not None:
            keys = torch.cat([cache.own[0], keys[0]], 2), torch.cat([cache.own[1], keys[1]], 2)
        cache.own = keys
        assert first or tokens.shape[1] == 1, "after the first tokens they come one by one"
        tokens = self.own_norm(tokens + self.dropout(self.own(tokens, keys, causal=first)))
        attended = self.context(tokens, cache.context, cache.context_mask)
        tokens = self.context_norm(tokens + self.dropout(attended))
        output: Tensor = self.feed_forward_norm(tokens + self.dropout(self.feed_forward(tokens)))
        return output


class Decoder(nn.Module):
    """The captioning decoder: layer l attends to layer l of the encoder; embeddings are the output's rows.

    Args:
        settings: of its layers.
        depth: number of layers.
        words: size V of the vocabulary.
        length: most tokens.
    """

    def __init__(self, settings: BlockSettings, depth: int, words: int, length: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(settings) for _ in range(depth))
        self.out = nn.Linear(settings.dim, words)
        self.dropout = nn.Dropout(settings.dropout)
        self.scale = math.sqrt(settings.dim)
        table = encode_positions(torch.arange(length, dtype=torch.float32), settings.dim)
        self.register_buffer("positions", table, persistent=False)
        self.positions: Tensor

    def cache(self, encoded: Sequence[Tensor], mask: Tensor | None) -> list[DecoderCache]:
        """Keys and values of the encoder's layers, each (B, T, D); `mask` (B, T) as the encoder takes it."""
        keys = None if mask is None else mask[:, None, None, :]
        pairs = zip(self.layers, encoded, strict=True)
        return [DecoderCache(layer.context.keys(steps), keys) for layer, steps in pairs]  # type: ignore[union-attr,operator]

    def forward(self, tokens: Tensor, caches: Sequence[DecoderCache], first: int = 0) -> Tensor:
        """Logits of the next words, (B, L, V).

        Args:
            tokens: (B, L) numbers of words.
            caches: of the layers, changed in place.
            first: tokens that were given before.
        """
        embedded = F.embedding(tokens, self.out.weight) * self.scale
        states = self.dropout(embedded + self.positions[first : first + tokens.shape[1]])
        for layer, cache in zip(self.layers, caches, strict=True):
            states = layer(states, cache)
        logits: Tensor = self.out(states)
        return logits
