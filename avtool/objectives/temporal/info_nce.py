"""InfoNCE with positives and negatives of each sample's own (van den Oord et al., 2018)."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

SHUT = -1e9
"""Added to the score of what must not count, and faster than masks. Finite: infinities have no gradient."""


def shut_unless(allowed: Tensor) -> Tensor:
    """0 where `allowed`, `SHUT` elsewhere."""
    return SHUT * (~allowed).float()


def log_crowd(scores: Tensor, shut: Tensor) -> Tensor:
    """(B, N) scores of negatives → (B,), the log of the sum of their exponentials.

    Args:
        scores: similarity / temperature.
        shut: (B, N), 0 for those that count, `SHUT` for the others.
    """
    return (scores + shut).logsumexp(dim=1)


def contrast(scores: Tensor, crowd: Tensor) -> Tensor:
    """-log(e^s / (e^s + Σ e^n)): how hard each positive is to find among the negatives.

    Args:
        scores: (B,) or (B, k) of the positives, similarity / temperature.
        crowd: (B,), the negatives' part of the sum; see `log_crowd`.
    """
    return softplus((crowd if scores.dim() == 1 else crowd[:, None]) - scores)


def several_positives(
    scores: Tensor, others: Tensor, allowed: Tensor, crowd: Tensor, alpha: Tensor
) -> Tensor:
    """(1 - α) · contrast of the usual positive + α · the mean contrast of the others.

    Args:
        scores: (B,) of the usual positives.
        others: (B, k) of the other positives.
        allowed: (B, k), True where there is one; a sample without any keeps to its usual positive.
        crowd: (B,); see `log_crowd`.
        alpha: a number in [0, 1].
    """
    count = allowed.sum(dim=1)
    mean = (contrast(others, crowd) * allowed).sum(dim=1) / count.clamp(min=1)
    share = alpha * (count > 0)
    return torch.lerp(contrast(scores, crowd), mean, share.to(mean.dtype))
