"""The top label of clips with several labels, and what another modality takes away (VGGSounder).

Zverev et al., VGGSounder: Audio-Visual Evaluations for Foundation Models, ICCV 2025.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Bools, as_scores


@dataclass(frozen=True)
class TopLabelScores:
    """Scores of one predicted label a clip, as shares.

    Attributes:
        accuracy: of clips whose labels are that one and no other (subset accuracy).
        f1: of all labels of all clips together (micro average).
        hit: of clips that have the predicted label.
        num_clips: clips scored.
    """

    accuracy: float
    f1: float
    hit: float
    num_clips: int


@dataclass(frozen=True)
class ModalityConfusion:
    """Shares of clips that one modality gets right and both together get wrong.

    Attributes:
        audio, video: by the modality alone.
        either_alone: by each of the two alone.
        num_clips: clips compared.
    """

    audio: float
    video: float
    either_alone: float
    num_clips: int


def score_top_label(truth: ArrayLike, scores: ArrayLike) -> TopLabelScores:
    """Scores the label with the highest score; of equal scores the first one counts.

    Args:
        truth: (N, C), true where a clip has a label; each has one.
        scores: (N, C).
    """
    labels, hits = _hits(truth, scores)
    right, count = int(hits.sum()), len(hits)
    return TopLabelScores(
        accuracy=float((hits & (labels.sum(axis=1) == 1)).mean()),
        f1=2 * right / (count + int(labels.sum())),
        hit=right / count,
        num_clips=count,
    )


def modality_confusion(
    truth: ArrayLike, audio: ArrayLike, video: ArrayLike, both: ArrayLike
) -> ModalityConfusion:
    """How often a second modality turns a hit of the top label into a miss: μ of the paper.

    Args:
        truth: (N, C), true where a clip has a label.
        audio: (N, C) scores from audio alone.
        video: (N, C) scores from video alone.
        both: (N, C) scores from both.
    """
    _, heard = _hits(truth, audio)
    _, seen = _hits(truth, video)
    _, hits = _hits(truth, both)
    return ModalityConfusion(
        float((heard & ~hits).mean()), float((seen & ~hits).mean()), float((heard & seen & ~hits).mean()),
        len(hits),
    )  # fmt: skip


def _hits(truth: ArrayLike, scores: ArrayLike) -> tuple[Bools, Bools]:
    array, labels = as_scores(scores), np.asarray(truth).astype(bool)
    assert labels.shape == array.shape, f"truth {labels.shape} and scores {array.shape} differ in shape"
    assert len(labels), "there is no clip"
    hits: Bools = labels[np.arange(len(labels)), array.argmax(axis=1)]
    return labels, hits
