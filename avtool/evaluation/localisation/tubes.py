"""Ego4D VQ2D's metrics: temporal and spatio-temporal AP, recovery and success of one tube a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from avtool.core.arrays import Floats, Ints
from avtool.evaluation.localisation.overlap import average_precision, tiou

THRESHOLDS: Final = (0.25, 0.5, 0.75, 0.95)
"""Overlaps of AP: at or above."""
_SUCCESS = 0.05  # spatio-temporal IoU of a success
_RECOVERED = 0.5  # IoU of the boxes of a recovered frame


@dataclass(frozen=True)
class Tube:
    """Boxes of one object over time.

    Attributes:
        frames: (N,) rising frame numbers.
        boxes: (N, 4) x1, y1, x2, y2 in pixels.
        score: confidence, of predictions.
    """

    frames: Ints
    boxes: Floats
    score: float = 1.0

    def areas(self) -> Floats:
        """(N,) of the boxes."""
        return np.asarray((self.boxes[:, 2] - self.boxes[:, 0]) * (self.boxes[:, 3] - self.boxes[:, 1]))


@dataclass(frozen=True)
class TubeScores:
    """Values of a submission.

    Attributes:
        temporal: (thresholds,) AP by the IoU of frame numbers, first to last.
        spatial: (thresholds,) AP by the IoU of volumes.
        recovery: share of true frames whose box is found, over all queries.
        success: share of queries with an IoU of volumes of at least 0.05.
        volumes: (queries,) IoU of volumes.
    """

    temporal: Floats
    spatial: Floats
    recovery: float
    success: float
    volumes: Floats


def score_tubes(truth: Sequence[Tube], predicted: Sequence[Tube | None]) -> TubeScores:
    """Scores of queries; a query without a tube, or with an empty one, finds nothing.

    Args:
        truth: the response track of each query.
        predicted: the tube of each query.
    """
    volumes, extents = np.zeros(len(truth)), np.zeros(len(truth))
    recovered = 0
    for row, (true, tube) in enumerate(zip(truth, predicted, strict=True)):
        if tube is None or not len(tube.frames) or not len(true.frames):
            continue
        ends = [(one.frames[0], one.frames[-1]) for one in (tube, true)]
        extents[row] = tiou(ends[:1], ends[1:], inclusive=True)[0, 0]
        volumes[row], found = _volume(true, tube)
        recovered += found
    rows = [row for row, tube in enumerate(predicted) if tube is not None]
    scores = [tube.score for tube in predicted if tube is not None]
    temporal, spatial = (
        average_precision(
            scores, [(np.array([row]), values[row : row + 1]) for row in rows], len(truth), THRESHOLDS
        )
        for values in (extents, volumes)
    )
    frames = sum(len(one.frames) for one in truth)
    return TubeScores(
        temporal, spatial, recovered / max(frames, 1), float(np.mean(volumes >= _SUCCESS)), volumes
    )


def _volume(true: Tube, tube: Tube) -> tuple[float, int]:
    """IoU of two volumes, and how many true boxes are found."""
    _, left, right = np.intersect1d(true.frames, tube.frames, assume_unique=True, return_indices=True)
    one, other = true.boxes[left], tube.boxes[right]
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    areas = true.areas()[left], tube.areas()[right]
    union = areas[0] + areas[1] - shared
    overlap = np.divide(shared, union, out=np.zeros(len(shared)), where=union > 0)
    whole = float(true.areas().sum() + tube.areas().sum() - shared.sum())
    return (float(shared.sum()) / whole if whole > 0 else 0.0), int((overlap >= _RECOVERED).sum())
