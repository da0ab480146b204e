"""One label a clip: top-k accuracy, each class's accuracy, the confusion matrix; and verbs with nouns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Floats, Ints, as_indices, as_scores
from avtool.evaluation.metrics.ranks import log_softmax, pair_ranks, ranks_of, share_within


def top_k_accuracy(labels: ArrayLike, scores: ArrayLike, ks: Sequence[int] = (1, 5)) -> dict[int, float]:
    """Share of clips whose class is among the k highest scores, for each k; ties as in `ranks_of`.

    Args:
        labels: (N,) class indices.
        scores: (N, C).
        ks: the k wanted.
    """
    ranks = ranks_of(scores, labels)
    return {k: share_within(ranks, k) for k in ks}


def confusion_matrix(labels: ArrayLike, predicted: ArrayLike, num_classes: int) -> Ints:
    """(C, C) counts: row the true class, column the predicted one."""
    true, guess = as_indices(labels, num_classes), as_indices(predicted, num_classes)
    assert len(true) == len(guess), f"{len(true)} labels, {len(guess)} predictions"
    counts = np.bincount(true * num_classes + guess, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).astype(np.int64)


def class_accuracies(confusion: Ints) -> Floats:
    """(C,) the accuracy of each class; NaN for a class without clips."""
    clips = confusion.sum(axis=1).astype(np.float64)
    clips[clips == 0] = np.nan
    shares: Floats = np.diag(confusion) / clips
    return shares


@dataclass(frozen=True)
class ActionScores:
    """EPIC-Kitchens accuracies, from 0 to 1, by k.

    An action is right where its verb and its noun are; its top k rank the product of the two probabilities.
    """

    verb: dict[int, float]
    noun: dict[int, float]
    action: dict[int, float]
    num_clips: int


def score_actions(
    verb_labels: ArrayLike,
    noun_labels: ArrayLike,
    verb_logits: ArrayLike,
    noun_logits: ArrayLike,
    ks: Sequence[int] = (1, 5),
) -> ActionScores:
    """Scores verbs, nouns, and the two together.

    Args:
        verb_labels: (N,) verb indices.
        noun_labels: (N,) noun indices.
        verb_logits: (N, V).
        noun_logits: (N, M).
        ks: the k wanted.
    """
    verbs, nouns = log_softmax(verb_logits), log_softmax(noun_logits)
    ranks = pair_ranks(verbs, nouns, verb_labels, noun_labels)
    return ActionScores(
        top_k_accuracy(verb_labels, as_scores(verb_logits), ks),
        top_k_accuracy(noun_labels, as_scores(noun_logits), ks),
        {k: share_within(ranks, k) for k in ks},
        len(ranks),
    )
