"""Suppression of overlapping segments: NMS and Soft-NMS (Bodla et al., 2017) in time.

Segments are (N, 2) starts and ends; equal scores keep their order.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Floats, Ints

OFFICIAL_SIGMA: Final = 0.46
"""The divisor of Ego4D MQ's Soft-NMS."""


def suppress(segments: Floats, scores: ArrayLike, threshold: float) -> Ints:
    """Greedy NMS: what overlaps a better segment by a tIoU above the threshold is dropped.

    Returns:
        Indices of what is kept, best first.
    """
    import torch
    from torchvision.ops import nms  # type: ignore[import-untyped]

    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    lifted = np.zeros((len(order), 4))
    lifted[:, 0], lifted[:, 2], lifted[:, 3] = segments[order, 0], segments[order, 1], 1
    ranks = torch.arange(len(order), 0, -1, dtype=torch.float64)  # no ties: the order alone decides
    kept = nms(torch.from_numpy(lifted), ranks, threshold).numpy()
    return np.asarray(order[kept], dtype=np.int64)


def decay(
    segments: Floats,
    scores: ArrayLike,
    sigma: float = OFFICIAL_SIGMA,
    *,
    most: int = 200,
    least: float = 0.0,
    official: bool = False,
) -> tuple[Ints, Floats]:
    """Soft-NMS: each chosen segment multiplies the scores of the others by exp(-tIoU² / sigma).

    Args:
        segments: (N, 2).
        scores: (N,) at least 0.
        sigma: the divisor.
        most: segments that are returned.
        least: what falls below this score is dropped.
        official: stop when one segment is left, as Ego4D's code does, which loses it.

    Returns:
        Indices of what is kept, best first, and their decayed scores.
    """
    left = np.array(scores, dtype=np.float64)
    open_ = left >= least
    chosen: list[int] = []
    kept: list[float] = []
    while open_.sum() > int(official) and len(chosen) < most:
        best = int(np.argmax(np.where(open_, left, -np.inf)))
        chosen.append(best)
        kept.append(float(left[best]))
        open_[best] = False
        left *= np.exp(-(_overlap(segments[best], segments) ** 2) / sigma)
        open_ &= left >= least
    return np.array(chosen, dtype=np.int64), np.array(kept)


def _overlap(one: Floats, others: Floats) -> Floats:
    """(N,) tIoU; 0 where neither has a length."""
    shared = np.maximum(np.minimum(one[1], others[:, 1]) - np.maximum(one[0], others[:, 0]), 0)
    union = (one[1] - one[0]) + (others[:, 1] - others[:, 0]) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros(len(others)), where=union > 0))
