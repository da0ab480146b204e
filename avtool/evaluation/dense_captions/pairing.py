"""Pairs of predicted and reference captions at each tIoU, each distinct pair once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from avtool.core.arrays import Ints
from avtool.evaluation.dense_captions.overlap import tiou
from avtool.evaluation.dense_captions.segments import Captions

NO_MATCH = ""
"""Stands for the reference of a prediction that overlaps with none; real captions are never empty here."""


@dataclass
class Pairing:
    """All pairs that the protocol scores.

    Attributes:
        pairs: distinct (prediction, reference).
        rows: for each threshold and video, the numbers of its pairs; a pair may come several times.
    """

    pairs: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[Ints]] = field(default_factory=list)


def pair_captions(
    predicted: Captions, references: Sequence[Captions], videos: Sequence[str], thresholds: Sequence[float]
) -> Pairing:
    """Pairs each prediction with every reference, of all annotators, whose tIoU reaches the threshold.

    A prediction without such a reference is paired once with `NO_MATCH`.

    Args:
        predicted: cleaned, as are the references.
        references: of each annotator.
        videos: to pair, in this order.
        thresholds: of tIoU.
    """
    numbers: dict[tuple[str, str], int] = {}
    rows: list[list[Ints]] = [[] for _ in thresholds]
    for video in videos:
        given = predicted.get(video, ())
        wanted = [segment for annotator in references for segment in annotator.get(video, ())]
        overlap = tiou(given, wanted)
        for kept, threshold in zip(rows, thresholds, strict=True):
            found = []
            for segment, hits in zip(given, overlap >= threshold, strict=True):
                matches = [wanted[place].sentence for place in np.flatnonzero(hits)] or [NO_MATCH]
                found += [
                    numbers.setdefault((segment.sentence, sentence), len(numbers)) for sentence in matches
                ]
            kept.append(np.array(found, dtype=np.int64))
    return Pairing(list(numbers), rows)
