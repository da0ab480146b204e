"""R@k of queries with one or several true segments, and the boxes of their first hits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from avtool.core.arrays import Bools, Floats
from avtool.evaluation.localisation.overlap import tiou

THRESHOLDS: Final = (0.3, 0.5)
"""Of tIoU: a hit is at or above it."""
RANKS: Final = (1, 5)


@dataclass(frozen=True)
class QueryTruth:
    """The truth about a query.

    Attributes:
        segments: (M, 2) start and end in seconds; none where the film has no such segment.
        boxes: (K, 5) seconds, left, top, width and height, 0 to 1 of the frame; none where there are none.
    """

    segments: Floats
    boxes: Floats


@dataclass(frozen=True)
class QueryPrediction:
    """The hits of a query, best first.

    Attributes:
        segments: (N, 2) start and end in seconds.
        score: confidence of the first one, 0 to 1; 0 without hits.
        boxes: (K, 4) of the first hit at the times of the true boxes, NaN where it has none.
    """

    segments: Floats
    score: float = 0.0
    boxes: Floats | None = None


@dataclass(frozen=True)
class QueryScores:
    """Values of Q queries that have segments.

    Attributes:
        hits: (Q, ranks, thresholds) whether one of the first k segments is near enough to a true one.
        first: (Q,) tIoU of the first segment.
        box_iou: (Q,) mean IoU at the true boxes, 0 where the first hit has none; NaN without true boxes.
    """

    hits: Bools
    first: Floats
    box_iou: Floats

    def recall(self, rank: int, threshold: float) -> float:
        """R@k, in %; NaN without queries."""
        values = self.hits[:, RANKS.index(rank), THRESHOLDS.index(threshold)]
        return 100 * float(values.mean()) if len(values) else float("nan")

    def mean_box_iou(self) -> float:
        """Mean over queries with boxes, in %; NaN without."""
        found = self.box_iou[~np.isnan(self.box_iou)]
        return 100 * float(found.mean()) if len(found) else float("nan")


def score_queries(truth: Sequence[QueryTruth], predicted: Sequence[QueryPrediction]) -> QueryScores:
    """Scores of queries, each with segments; one without hits counts 0."""
    hits = np.zeros((len(truth), len(RANKS), len(THRESHOLDS)), dtype=np.bool_)
    first, boxes = np.zeros(len(truth)), np.full(len(truth), np.nan)
    for row, (true, found) in enumerate(zip(truth, predicted, strict=True)):
        if len(true.boxes):
            boxes[row] = _box_iou(true.boxes[:, 1:], found.boxes)
        if not len(found.segments):
            continue
        nearest = tiou(found.segments, true.segments).max(axis=1)
        hits[row] = [[(nearest[:rank] >= limit).any() for limit in THRESHOLDS] for rank in RANKS]
        first[row] = nearest[0]
    return QueryScores(hits, first, boxes)


def _box_iou(true: Floats, found: Floats | None) -> float:
    """Mean IoU of boxes (K, 4) of left, top, width and height; rows of NaN count 0."""
    if found is None:
        return 0.0
    sides = np.minimum(true[:, :2] + true[:, 2:], found[:, :2] + found[:, 2:])
    shared = np.maximum(sides - np.maximum(true[:, :2], found[:, :2]), 0).prod(axis=1)
    union = true[:, 2:].prod(axis=1) + found[:, 2:].prod(axis=1) - shared
    overlap = np.divide(shared, union, out=np.zeros(len(true)), where=union > 0)
    return float(np.nan_to_num(overlap).mean())


def absence_auc(present: Sequence[float], absent: Sequence[float]) -> float:
    """Probability that a query with a segment has more confidence than one without, in %; ties count half.

    Args:
        present: confidence of the first hit of queries that have a segment.
        absent: of queries without.
    """
    if not len(present) or not len(absent):
        return float("nan")
    difference = np.subtract.outer(np.asarray(present), np.asarray(absent))
    return 100 * float((difference > 0).mean() + 0.5 * (difference == 0).mean())
