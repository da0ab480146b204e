"""Multi-head attention whose queries and keys carry positions and whose values do not."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class PositionedAttention(nn.Module):
    """Softmax attention of DETR: positions are added to queries and keys alone (Carion et al., 2020).

    Shapes: N rows, Q queries, K keys, D width.

    Args:
        dim: width D.
        num_heads: number of heads; divides D.
        dropout: dropout of the attention weights.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.dropout = dropout
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.proj.bias)

    def forward(
        self, queries: Tensor, keys: Tensor, values: Tensor, key_mask: Tensor | None = None
    ) -> Tensor:
        """Attends from queries to keys.

        Args:
            queries: (N, Q, D), positions added.
            keys: (N, K, D), positions added.
            values: (N, K, D), without positions.
            key_mask: (N, K), True where a key may be attended to; each row needs one True.

        Returns:
            (N, Q, D).
        """
        query, key, value = self._project(queries, keys, values)
        attended = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if key_mask is None else key_mask[:, None, None, :],
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self._merge(attended)

    def with_weights(
        self, queries: Tensor, keys: Tensor, values: Tensor, key_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, and the attention weights (N, Q, K): mean over the heads, before their dropout."""
        query, key, value = self._project(queries, keys, values)
        logits = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
        weights = logits.float().masked_fill(~key_mask[:, None, None, :], float("-inf")).softmax(dim=-1)
        dropped = F.dropout(weights, self.dropout, self.training)
        return self._merge(dropped.to(value.dtype) @ value), weights.mean(dim=1)

    def _project(self, queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weights, biases = self.qkv.weight.chunk(3), self.qkv.bias.chunk(3)
        projected = (
            F.linear(tokens, weight, bias)
            for tokens, weight, bias in zip((queries, keys, values), weights, biases, strict=True)
        )
        query, key, value = (
            tokens.reshape(*tokens.shape[:2], self.num_heads, -1).transpose(1, 2) for tokens in projected
        )
        return query, key, value

    def _merge(self, attended: Tensor) -> Tensor:
        """(N, heads, Q, D / heads) → (N, Q, D)."""
        output: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return output


def grid_sinusoids(rows: int, columns: int, dim: int, device: torch.device | None = None) -> Tensor:
    """Two-dimensional sine positions of DETR: half of the width for y, then half for x.

    A position is its number from 1 over the number of all, times 2π; frequencies fall to 1 / 10000.

    Returns:
        (rows * columns, dim), row by row; `dim` is a multiple of 4.
    """
    half = dim // 2
    channels = torch.arange(half, device=device)
    periods = 10000.0 ** (2 * torch.div(channels, 2, rounding_mode="floor") / half)

    def axis(length: int) -> Tensor:
        places = torch.arange(1, length + 1, device=device) / (length + 1e-6) * (2 * torch.pi)
        angles = places[:, None] / periods
        return torch.stack([angles[:, 0::2].sin(), angles[:, 1::2].cos()], dim=2).flatten(1)

    along_y = axis(rows)[:, None].expand(rows, columns, half)
    along_x = axis(columns)[None].expand(rows, columns, half)
    return torch.cat([along_y, along_x], dim=-1).flatten(0, 1)
