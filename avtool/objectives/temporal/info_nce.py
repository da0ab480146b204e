"""InfoNCE with positives and negatives that differ by sample (van den Oord et al., 2018)."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

EXCLUDED = -1e9
"""Added to excluded scores; faster than boolean masks. Finite, as infinities have no gradient."""


def exclude_unless(allowed: Tensor) -> Tensor:
    """0 where `allowed`, `EXCLUDED` elsewhere, of the same shape: a term to add to scores."""
    return EXCLUDED * (~allowed).float()


def log_negatives(scores: Tensor, excluded: Tensor) -> Tensor:
    """(B, N) scores of negatives → (B,), the log of the sum of their exponentials.

    Args:
        scores: similarity / temperature.
        excluded: (B, N), 0 for negatives, `EXCLUDED` for the others.
    """
    return (scores + excluded).logsumexp(dim=1)


def contrast(scores: Tensor, negatives: Tensor) -> Tensor:
    """The InfoNCE loss of each positive among its negatives, -log(e^s / (e^s + Σ e^n)).

    Args:
        scores: (B,) or (B, k) of the positives, similarity / temperature.
        negatives: (B,), log Σ e^n; see `log_negatives`.
    """
    return softplus((negatives if scores.dim() == 1 else negatives[:, None]) - scores)


def multi_positive_contrast(
    scores: Tensor, others: Tensor, allowed: Tensor, negatives: Tensor, alpha: Tensor
) -> Tensor:
    """(1 - α) · contrast of the usual positive + α · the mean contrast of the others.

    Args:
        scores: (B,) of the usual positives.
        others: (B, k) of the other positives.
        allowed: (B, k), True where there is one; a sample without any uses its usual positive alone.
        negatives: (B,), log Σ e^n; see `log_negatives`.
        alpha: α in [0, 1].
    """
    count = allowed.sum(dim=1)
    mean = (contrast(others, negatives) * allowed).sum(dim=1) / count.clamp(min=1)
    share = alpha * (count > 0)
    return torch.lerp(contrast(scores, negatives), mean, share.to(mean.dtype))
