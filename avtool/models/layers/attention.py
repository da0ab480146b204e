"""Multi-head attention with one fused projection for queries, keys and values."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

_MOST_WEIGHTS = 1 << 26
"""Attention weights that may be in memory at once."""
_MOST_POSITIONS = 640
"""Positions up to which the products are faster in bfloat16 on a CPU."""


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention without mask: PyTorch's kernel, or its products one by one where these are faster.

    In bfloat16 PyTorch's kernel for CPUs is slower: forward and backward take 5 times as long over 16
    positions, 2.4 over 200, 1.8 to 2.8 over 500 to 600, and 1.1 to 1.4 over 1000 and more, where the memory
    that the products' weights take outweighs it. In float32 it is the faster one.

    Args:
        query: (B, heads, N, d).
        key: (B, heads, M, d).
        value: (B, heads, M, d).

    Returns:
        (B, heads, N, d).
    """
    if not _takes_products(query, key):
        return F.scaled_dot_product_attention(query, key, value)
    weights = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    attended: Tensor = weights.softmax(dim=-1).to(value.dtype) @ value
    return attended


def _takes_products(query: Tensor, key: Tensor) -> bool:
    """Whether the products are faster, and fit; a trace has no sizes to decide by, and keeps the kernel."""
    if torch.compiler.is_compiling() or query.dtype != torch.bfloat16 or query.device.type != "cpu":
        return False
    return key.shape[-2] <= _MOST_POSITIONS and query.shape[:-1].numel() * key.shape[-2] <= _MOST_WEIGHTS


class Attention(nn.Module):
    """Softmax attention of some tokens over themselves, and over a context where one is given.

    Shapes: B batch, N tokens, M context tokens, D width.

    Args:
        dim: width D.
        num_heads: number of heads; divides D.
        dropout: dropout of the attention weights and of the output.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        assert dim % num_heads == 0, f"{num_heads} heads do not divide a width of {dim}"
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.dropout = dropout

    def forward(
        self, tokens: Tensor, context: Tensor | None = None, key_mask: Tensor | None = None
    ) -> Tensor:
        """Attends from `tokens` to `context` followed by `tokens`.

        Args:
            tokens: (B, N, D).
            context: (B, M, D) further keys and values without queries.
            key_mask: (B, M + N), True where a key may be attended to; each row needs one True.
        """
        if context is None:
            query, key, value = self.qkv(tokens).chunk(3, dim=-1)
        else:
            dim = tokens.shape[-1]
            query = F.linear(tokens, self.qkv.weight[:dim], self.qkv.bias[:dim])
            keys = torch.cat([context, tokens], dim=1)
            key, value = F.linear(keys, self.qkv.weight[dim:], self.qkv.bias[dim:]).chunk(2, dim=-1)
        heads = self._split_heads(query), self._split_heads(key), self._split_heads(value)
        dropout = self.dropout if self.training else 0.0
        if key_mask is None and not dropout:
            attended = attend(*heads)
        else:
            mask = None if key_mask is None else key_mask[:, None, None, :]
            attended = F.scaled_dot_product_attention(*heads, attn_mask=mask, dropout_p=dropout)
        output: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return F.dropout(output, self.dropout, self.training)

    def _split_heads(self, tokens: Tensor) -> Tensor:
        """(B, N, D) → (B, heads, N, D / heads)."""
        batch_size, length, _ = tokens.shape
        return tokens.reshape(batch_size, length, self.num_heads, -1).transpose(1, 2)
