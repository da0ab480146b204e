"""QVHighlights' metrics: mAP and R1 of moments by tIoU and length, mAP and HIT@1 of highlights.

As `standalone_eval` of the authors computes them (Lei et al., 2021, §5), except that a query without a
predicted window counts 0; there it ends the program, or drops out of the mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from avtool.core.arrays import Bools, Floats
from avtool.evaluation.localisation.overlap import average_precision, tiou

THRESHOLDS: Final = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
LENGTHS: Final = {"full": (-1.0, np.inf), "short": (0.0, 10.0), "middle": (10.0, 30.0), "long": (30.0, 150.0)}
"""Names and lengths of moments in seconds: longer than the first number, not longer than the second."""
RATINGS: Final = {"Fair": 2, "Good": 3, "VeryGood": 4}
"""The least rating of a highlight."""
_WINDOWS = 10  # of a query, by rank, that count


@dataclass(frozen=True)
class RankedWindows:
    """Predicted windows of a query, in the order of its file.

    Attributes:
        windows: (N, 2) start and end in seconds.
        scores: (N,) confidence.
        saliency: (clips,) predicted salience of each clip, where it is predicted.
    """

    windows: Floats
    scores: Floats
    saliency: Floats | None = None


@dataclass(frozen=True)
class MomentScores:
    """Values of queries at `THRESHOLDS`.

    Attributes:
        precision: (queries, thresholds) average precision.
        first: (queries, thresholds) whether the first window is at least so close to a moment.
    """

    precision: Floats
    first: Bools


def score_moments(
    truth: Sequence[Floats], predicted: Sequence[RankedWindows | None]
) -> Mapping[str, MomentScores]:
    """Scores of moments, for each name of `LENGTHS`: the queries with a moment of that length, and only it.

    Args:
        truth: for each query its moments, (M, 2).
        predicted: of each query; None counts 0.
    """
    found = {}
    for name, (above, most) in LENGTHS.items():
        rows = []
        for moments, ranked in zip(truth, predicted, strict=True):
            lengths = moments[:, 1] - moments[:, 0]
            kept = moments[(lengths > above) & (lengths <= most)]
            if len(kept) or name == "full":
                rows.append(_score(kept, ranked))
        precision, first = zip(*rows, strict=True) if rows else ((), ())
        shape = (-1, len(THRESHOLDS))
        found[name] = MomentScores(
            np.array(precision, dtype=np.float64).reshape(shape), np.array(first, dtype=bool).reshape(shape)
        )
    return found


def _score(moments: Floats, ranked: RankedWindows | None) -> tuple[Floats, Bools]:
    limits = np.asarray(THRESHOLDS)
    if ranked is None or not len(ranked.windows) or not len(moments):
        return np.zeros(len(limits)), np.zeros(len(limits), dtype=np.bool_)
    windows, everything = ranked.windows[:_WINDOWS], np.arange(len(moments))
    overlaps = [(everything, row) for row in tiou(windows, moments)]
    precision = average_precision(ranked.scores[:_WINDOWS], overlaps, len(moments), THRESHOLDS)
    nearest = int(overlaps[0][1].argmax())
    return precision, tiou(windows[:1], moments[nearest], hull=True)[0, 0] >= limits


def score_highlights(
    saliency: Sequence[Floats], predicted: Sequence[Floats]
) -> Mapping[str, tuple[float, float]]:
    """mAP and HIT@1 of highlights, for each name of `RATINGS`; 0 to 1.

    Args:
        saliency: for each query (clips, annotators), ratings.
        predicted: for each query (clips,) salience; missing clips have 0, further ones are dropped.
    """
    found = {}
    for name, least in RATINGS.items():
        precision, hits = [], []
        for ratings, values in zip(saliency, predicted, strict=True):
            positive = ratings >= least
            fitted = np.zeros(len(positive))
            fitted[: len(values)] = values[: len(positive)]
            precision += [clip_precision(column, fitted) for column in positive.T]
            best = int(values.argmax()) if len(values) else len(positive)
            hits.append(best < len(positive) and bool(positive[best].any()))
        found[name] = (float(np.mean(precision)), float(np.mean(hits)))
    return found


def clip_precision(positive: Bools, scores: Floats) -> float:
    """Average precision of clips: the mean of interpolated precisions at the scores where recall rises.

    Clips of equal scores are one step, which counts once however many of them are positive.

    Args:
        positive: (clips,).
        scores: (clips,).
    """
    if positive.all() or not positive.any():
        return float(positive.all() and positive.size > 0)
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    found = np.cumsum(positive[order])[ends]
    precision = found / (ends + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float(highest[np.diff(found, prepend=0) > 0].mean())
