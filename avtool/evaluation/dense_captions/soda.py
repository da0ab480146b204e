"""SODA_c (Fujita et al., ECCV 2020, section 3): captions matched with references in their order in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avtool.core.arrays import Floats
from avtool.evaluation.dense_captions.overlap import tiou
from avtool.evaluation.dense_captions.segments import CaptionedSegment, Captions


@dataclass(frozen=True, slots=True)
class SodaScore:
    """SODA of a video, or the mean over videos: precision, recall, and F1."""

    precision: float
    recall: float
    f1: float


def ordered_matching(weights: Floats) -> float:
    """The largest sum of weights of a one-to-one matching that keeps the order of both sides.

    Args:
        weights: (predictions, references), not negative, both in order of time.
    """
    best = np.zeros(weights.shape[1] + 1)
    for row in weights:
        taken = best[:-1] + row
        best[1:] = np.maximum(best[1:], taken)
        best = np.maximum.accumulate(best)
    return float(best[-1])


def overlapping_pairs(predicted: Captions, references: Captions) -> list[tuple[str, str]]:
    """The pairs (predicted sentence, reference sentence) whose similarities `soda` needs."""
    return [
        (given[row].sentence, truth[column].sentence)
        for video, truth in references.items()
        if (given := predicted.get(video, ()))
        for row, column in np.argwhere(tiou(given, truth) > 0)
    ]


def soda(
    predicted: Captions, references: Captions, similarity: Mapping[tuple[str, str], float]
) -> Mapping[str, SodaScore]:
    """SODA of every video of the references, with tIoU times the similarity of sentences as weights.

    Args:
        predicted: videos that it lacks score 0.
        references: of one annotator.
        similarity: of the `overlapping_pairs`.
    """
    scores = {}
    for video, truth in references.items():
        given, true = (sorted(one, key=_by_start) for one in (predicted.get(video, ()), truth))
        weights = tiou(given, true)
        for row, column in np.argwhere(weights > 0):
            weights[row, column] *= similarity[given[row].sentence, true[column].sentence]
        scores[video] = _score(weights)
    return scores


def mean_soda(scores: Sequence[SodaScore]) -> SodaScore:
    """The mean over videos; of F1 too, which is not F1 of the means."""
    if not scores:
        return SodaScore(0.0, 0.0, 0.0)
    return SodaScore(*np.mean([(one.precision, one.recall, one.f1) for one in scores], axis=0).tolist())


def _score(weights: Floats) -> SodaScore:
    if not weights.size:
        return SodaScore(0.0, 0.0, 0.0)
    total = ordered_matching(weights)
    precision, recall = total / weights.shape[0], total / weights.shape[1]
    return SodaScore(precision, recall, 2 * precision * recall / (precision + recall) if total else 0.0)


def _by_start(segment: CaptionedSegment) -> float:
    return segment.start
