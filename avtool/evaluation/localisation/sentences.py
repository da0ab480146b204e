"""R@k at tIoU of the ranked windows of sentences: Ego4D NLQ and Charades-STA."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avtool.core.arrays import Bools, Floats
from avtool.data.readers.video_queries import Window
from avtool.evaluation.localisation.moments import RankedWindows
from avtool.evaluation.localisation.overlap import tiou


@dataclass(frozen=True)
class SentenceScores:
    """Values of queries.

    Attributes:
        hits: (queries, ranks, thresholds) whether one of the first windows is near enough.
        first: (queries,) tIoU of the first window.
    """

    hits: Bools
    first: Floats

    def recall(self) -> Floats:
        """(ranks, thresholds) share of queries; 0 without queries."""
        return np.asarray(self.hits.mean(axis=0)) if len(self.hits) else np.zeros(self.hits.shape[1:])

    def mean_tiou(self) -> float:
        """Mean of the first windows; 0 without queries."""
        return float(self.first.mean()) if len(self.first) else 0.0


def score_sentences(
    truth: Sequence[Window],
    predicted: Sequence[RankedWindows | None],
    ranks: Sequence[int],
    thresholds: Sequence[float],
    *,
    strict: bool,
) -> SentenceScores:
    """Scores of queries, their windows in the order of the file.

    Args:
        truth: the window of each query; one without a length is never hit.
        predicted: of each query; None counts 0.
        ranks: how many windows count.
        thresholds: of tIoU.
        strict: a hit is above the threshold (Ego4D's evaluator), otherwise at it or above (Charades-STA).
    """
    limits = np.asarray(thresholds)
    hits = np.zeros((len(truth), len(ranks), len(limits)), dtype=np.bool_)
    first = np.zeros(len(truth))
    for row, (window, ranked) in enumerate(zip(truth, predicted, strict=True)):
        if ranked is None or not len(ranked.windows):
            continue
        overlap = tiou(ranked.windows, [window], hull=True)
        near = overlap > limits if strict else overlap >= limits
        hits[row] = [near[:rank].any(axis=0) for rank in ranks]
        first[row] = overlap[0, 0]
    return SentenceScores(hits, first)
