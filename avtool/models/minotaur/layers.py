"""Layers of MINOTAUR: post-norm encoder and space-time decoder, resizers of features, heads.

Shapes: B windows, T frames, M encoded frames, k frames from one encoded frame to the next, S tokens of a
frame, D width.
"""

from itertools import pairwise

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.minotaur.attention import PositionedAttention


class FeatureResizer(nn.Module):
    """Linear, layer norm, dropout: features of an encoder to the width of the network."""

    def __init__(self, width: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(width, dim)
        self.norm = nn.LayerNorm(dim, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """(…, width) → (…, D)."""
        output: Tensor = self.dropout(self.norm(self.linear(features)))
        return output


class Head(nn.Module):
    """A perceptron with ReLU; dropout on its hidden layers alone.

    Args:
        widths: of input, hidden layers and output.
        dropout: of the hidden layers.
    """

    def __init__(self, *widths: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        self.dropout = dropout

    def forward(self, states: Tensor) -> Tensor:
        """(…, input) → (…, output)."""
        *inner, last = self.layers
        for layer in inner:
            states = F.dropout(F.relu(layer(states)), self.dropout, self.training)
        output: Tensor = last(states)
        return output


class FeedForward(nn.Module):
    """Linear, ReLU, dropout, linear."""

    def __init__(self, dim: int, mlp_dim: int, dropout: float) -> None:
        super().__init__()
        self.linear1 = nn.Linear(dim, mlp_dim)
        self.linear2 = nn.Linear(mlp_dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(…, D) → (…, D)."""
        output: Tensor = self.linear2(self.dropout(F.relu(self.linear1(tokens))))
        return output


class EncoderLayer(nn.Module):
    """Post-norm self-attention and feed-forward layer over the tokens of one frame, query among them."""

    def __init__(self, dim: int, heads: int, mlp_dim: int, dropout: float) -> None:
        super().__init__()
        self.attention = PositionedAttention(dim, heads, dropout)
        self.feed_forward = FeedForward(dim, mlp_dim, dropout)
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, positions: Tensor, mask: Tensor | None = None) -> Tensor:
        """One layer.

        Args:
            tokens: (N, S, D).
            positions: (S, D) or (N, S, D), added to queries and keys.
            mask: (N, S), True where there is a token; None for all.
        """
        placed = tokens + positions
        attended = self.attention(placed, placed, tokens, mask)
        tokens = self.attention_norm(tokens + self.dropout(attended))
        output: Tensor = self.feed_forward_norm(tokens + self.dropout(self.feed_forward(tokens)))
        return output


class DecoderLayer(nn.Module):
    """Post-norm space-time layer: attention over time, then of each frame's query to that frame's tokens."""

    def __init__(self, dim: int, heads: int, mlp_dim: int, dropout: float) -> None:
        super().__init__()
        self.temporal = PositionedAttention(dim, heads, dropout)
        self.spatial = PositionedAttention(dim, heads, dropout)
        self.feed_forward = FeedForward(dim, mlp_dim, dropout)
        self.temporal_norm, self.spatial_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.feed_forward_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        states: Tensor,
        queries: Tensor,
        valid: Tensor,
        memory: Tensor,
        positions: Tensor,
        memory_mask: Tensor,
        *,
        stride: int = 1,
        attention: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """One layer.

        Args:
            states: (B, T, D), of the frames.
            queries: (B, T, D) time queries, added to queries and keys.
            valid: (B, T), True for frames, False for padding.
            memory: (B * M, S, D) tokens of the encoded frames, M = ⌈T / k⌉.
            positions: (S, D) of these.
            memory_mask: (B * M, S), True where there is a token.
            stride: frames k that share an encoded one.
            attention: whether to return the weights over time.

        Returns:
            The states, and the temporal attention (B, T, T), mean over the heads, or None.
        """
        placed, weights = states + queries, None
        if attention:
            attended, weights = self.temporal.with_weights(placed, placed, states, valid)
        else:
            attended = self.temporal(placed, placed, states, valid)
        states = self.temporal_norm(states + self.dropout(attended))
        attended = self._look(states + queries, memory, positions, memory_mask, stride)
        states = self.spatial_norm(states + self.dropout(attended))
        return self.feed_forward_norm(states + self.dropout(self.feed_forward(states))), weights

    def _look(
        self, placed: Tensor, memory: Tensor, positions: Tensor, memory_mask: Tensor, stride: int
    ) -> Tensor:
        """Time-aligned attention: the queries of a frame's stride are the rows of one attention."""
        batch, length, dim = placed.shape
        padded = F.pad(placed, (0, 0, 0, len(memory) // batch * stride - length))
        rows = padded.reshape(len(memory), stride, dim)
        attended: Tensor = self.spatial(rows, memory + positions, memory, memory_mask)
        return attended.reshape(batch, -1, dim)[:, :length]
