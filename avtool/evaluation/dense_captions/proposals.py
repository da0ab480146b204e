"""Proposals: average recall over the average number of them a video, as the ActivityNet toolkit has it."""

from dataclasses import dataclass

import numpy as np

from avtool.core.arrays import Floats
from avtool.evaluation.dense_captions.overlap import tiou
from avtool.evaluation.dense_captions.segments import CaptionedSegment, Captions

_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_STEPS = 100


@dataclass(frozen=True)
class ProposalCurve:
    """Average recall (tIoU 0.5, 0.55 … 0.95) by the average number of proposals.

    Attributes:
        counts: (100,) average numbers of proposals a video.
        recalls: (100,) between 0 and 1.
        area: below the curve, divided by the largest number: between 0 and 1.
    """

    counts: Floats
    recalls: Floats
    area: float


def proposal_curve(predicted: Captions, references: Captions, most: int = 100) -> ProposalCurve:
    """Recall of the segments of one annotator by the best proposals, with the highest scores first.

    Args:
        predicted: segments without a score keep their order, after those with one.
        references: what to find.
        most: the largest average number of proposals.
    """
    given = {video: sorted(predicted.get(video, ()), key=_by_score) for video in references}
    total = sum(map(len, given.values()))
    shares = np.arange(1, _STEPS + 1) / _STEPS
    if not total:
        return ProposalCurve(shares * 0, shares * 0, 0.0)
    overlaps = []
    for video, truth in references.items():
        kept = min(int(len(given[video]) * most * len(references) / total), len(given[video]))
        overlaps.append(tiou(truth, given[video][:kept]))
    total = max(1, sum(one.shape[1] for one in overlaps))
    shares = shares * (most * len(references) / total)
    found = np.zeros((len(_THRESHOLDS), _STEPS))
    for overlap in overlaps:
        best = np.maximum.accumulate(np.pad(overlap, ((0, 0), (1, 0))), axis=1)
        used = np.minimum((overlap.shape[1] * shares).astype(int), overlap.shape[1])
        found += (best[:, used][None] >= _THRESHOLDS[:, None, None]).sum(axis=1)
    recalls = (found / max(1, sum(len(truth) for truth in references.values()))).mean(axis=0)
    counts = shares * (total / len(references))
    return ProposalCurve(counts, recalls, float(np.trapezoid(recalls, counts) / counts[-1]))


def _by_score(segment: CaptionedSegment) -> float:
    return np.inf if segment.score is None else -segment.score
