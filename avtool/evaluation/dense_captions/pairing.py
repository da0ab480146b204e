"""Pairs of predicted and reference captions at each tIoU, each distinct pair once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from avtool.core.arrays import Ints
from avtool.evaluation.dense_captions.overlap import tiou
from avtool.evaluation.dense_captions.segments import Captions


@dataclass
class Pairing:
    """All pairs that the protocol scores.

    Attributes:
        pairs: distinct (prediction, reference, False), or (prediction, "", True) without a reference.
        rows: for each threshold and video, the numbers of its pairs; a pair may come several times.
    """

    pairs: list[tuple[str, str, bool]] = field(default_factory=list)
    rows: list[list[Ints]] = field(default_factory=list)

    def with_reference(self, unmatched: str) -> list[tuple[str, str]]:
        """The pairs with this text as the reference where there is none."""
        return [
            (hypothesis, unmatched if is_alone else reference)
            for hypothesis, reference, is_alone in self.pairs
        ]


def pair_captions(
    predicted: Captions, references: Sequence[Captions], videos: Sequence[str], thresholds: Sequence[float]
) -> Pairing:
    """Pairs each prediction with every reference, of all annotators, whose tIoU reaches the threshold.

    A prediction without such a reference is paired once, with none.

    Args:
        predicted: cleaned, as are the references.
        references: of each annotator.
        videos: to pair, in this order.
        thresholds: of tIoU.
    """
    numbers: dict[tuple[str, str, bool], int] = {}
    rows: list[list[Ints]] = [[] for _ in thresholds]
    for video in videos:
        given = predicted.get(video, ())
        wanted = [segment for annotator in references for segment in annotator.get(video, ())]
        overlap = tiou(given, wanted)
        for kept, threshold in zip(rows, thresholds, strict=True):
            found = []
            for segment, hits in zip(given, overlap >= threshold, strict=True):
                matches = [(wanted[place].sentence, False) for place in np.flatnonzero(hits)] or [("", True)]
                found += [numbers.setdefault((segment.sentence, *match), len(numbers)) for match in matches]
            kept.append(np.array(found, dtype=np.int64))
    return Pairing(list(numbers), rows)
