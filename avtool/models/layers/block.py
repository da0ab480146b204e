"""The pre-norm Transformer block, and a stack of them."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from avtool.models.layers.attention import Attention
from avtool.models.layers.stochastic_depth import StochasticDepth

Gelu = Literal["none", "tanh"]
"""Which GELU: exact (by the error function), or the tanh approximation, which is JAX's default."""


class Mlp(nn.Module):
    """Linear, GELU, Linear; dropout after each.

    Args:
        dim: width of the tokens.
        hidden_dim: width between the two layers.
        gelu: the approximation.
        dropout: probability.
    """

    def __init__(self, dim: int, hidden_dim: int, gelu: Gelu = "none", dropout: float = 0.0) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.act = nn.GELU(approximate=gelu)
        self.fc2 = nn.Linear(hidden_dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(…, D) → (…, D)."""
        output: Tensor = self.drop(self.fc2(self.drop(self.act(self.fc1(tokens)))))
        return output


class TransformerBlock(nn.Module):
    """x += Attention(LayerNorm(x)); x += Mlp(LayerNorm(x)).

    Args:
        dim: width D.
        num_heads: attention heads.
        mlp_dim: hidden width of the MLP.
        norm_eps: epsilon of both layer norms.
        gelu: the approximation of GELU.
        dropout: probability, in attention and MLP.
        drop_path: probability of skipping each of the two branches; they are drawn apart.
        rescale_drop_path: see `StochasticDepth`.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        mlp_dim: int,
        *,
        norm_eps: float = 1e-6,
        gelu: Gelu = "none",
        dropout: float = 0.0,
        drop_path: float = 0.0,
        rescale_drop_path: bool = True,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps)
        self.attn = Attention(dim, num_heads, dropout)
        self.drop_path1 = StochasticDepth(drop_path, rescale_drop_path)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = Mlp(dim, mlp_dim, gelu, dropout)
        self.drop_path2 = StochasticDepth(drop_path, rescale_drop_path)

    def forward(
        self, tokens: Tensor, context: Tensor | None = None, key_mask: Tensor | None = None
    ) -> Tensor:
        """Updates `tokens` (B, N, D), which also attend to `context` (B, M, D); see `Attention.forward`."""
        normed_context = None if context is None else self.norm1(context)
        tokens = tokens + self.drop_path1(self.attn(self.norm1(tokens), normed_context, key_mask))
        updated: Tensor = tokens + self.drop_path2(self.mlp(self.norm2(tokens)))
        return updated


def run_block(
    block: nn.Module,
    tokens: Tensor,
    context: Tensor | None = None,
    key_mask: Tensor | None = None,
    *,
    recompute: bool = False,
) -> Tensor:
    """Applies a block to tokens (B, N, D); `recompute` keeps no activations for backward, to save memory."""
    if recompute and torch.is_grad_enabled():
        updated: Tensor = checkpoint(block, tokens, context, key_mask, use_reentrant=False)
    else:
        updated = block(tokens, context, key_mask)
    return updated
