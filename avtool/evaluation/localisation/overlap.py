"""Overlap in time, and average precision of ranked detections by overlap."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Bools, Floats, Ints


def tiou(some: ArrayLike, others: ArrayLike, *, hull: bool = False, inclusive: bool = False) -> Floats:
    """Temporal intersection over union of all pairs; 0 where neither has a length.

    The evaluators of Ego4D and QVHighlights differ in the last digit, which decides at a threshold.

    Args:
        some: (N, 2) starts and ends.
        others: (M, 2) starts and ends.
        hull: the union is last end - first start; otherwise the sum of the lengths - the intersection.
        inclusive: of frame numbers: the last one counts.

    Returns:
        (N, M), 0 to 1.
    """
    first = np.asarray(some, dtype=np.float64).reshape(-1, 1, 2)
    second = np.asarray(others, dtype=np.float64).reshape(1, -1, 2)
    one = int(inclusive)
    starts, ends = np.maximum(first[..., 0], second[..., 0]), np.minimum(first[..., 1], second[..., 1])
    shared = np.maximum(ends - starts + one, 0)
    if hull:
        union = np.maximum(first[..., 1], second[..., 1]) - np.minimum(first[..., 0], second[..., 0]) + one
    else:
        lengths = (first[..., 1] - first[..., 0] + one) + (second[..., 1] - second[..., 0] + one)
        union = lengths - shared
    return np.asarray(np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0))


def average_precision(
    scores: ArrayLike,
    overlaps: Sequence[tuple[Ints, Floats]],
    num_true: int,
    thresholds: Sequence[float],
) -> Floats:
    """Average precision of VOC 2011: each prediction takes the free true instance that it overlaps most.

    Args:
        scores: (N,) of the predictions; equal ones keep their order.
        overlaps: for each prediction the indices of the true instances of its video, and its overlap with
            each. One at a threshold counts.
        num_true: true instances.
        thresholds: of overlap.

    Returns:
        (thresholds,) 0 to 1; 0 without predictions.
    """
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable").tolist()
    hits = np.zeros((len(thresholds), len(order)), dtype=np.bool_)
    for row, threshold in enumerate(thresholds):
        taken: set[int] = set()
        for rank, prediction in enumerate(order):
            indices, values = overlaps[prediction]
            for place in np.argsort(values, kind="stable")[::-1].tolist():
                if values[place] < threshold:
                    break
                if (instance := int(indices[place])) not in taken:
                    taken.add(instance)
                    hits[row, rank] = True
                    break
    return np.array([_area(one, num_true) for one in hits])


def _area(hits: Bools, num_true: int) -> float:
    """The area below the interpolated curve of precision over recall."""
    if not hits.any():
        return 0.0
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float(highest[hits].sum() / num_true)
