"""The mistakes a classifier was surest of: where labels, data or model are wrong, they show it first."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from avtool.evaluation.metrics.ranks import log_softmax
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.report import Mistake, Table

_SHOWN = 15


def worst_mistakes(
    predictions: Predictions, most: int = _SHOWN, media: Mapping[str, Path] | None = None
) -> list[Mistake]:
    """The wrong answers, the most certain first.

    Args:
        predictions: logits, with one label a clip.
        most: how many to give.
        media: the sound file of each clip, by its id, where they are at hand.
    """
    labels = predictions.label_indices()[:, 0]
    probabilities = np.exp(log_softmax(predictions.scores))
    answers = predictions.scores.argmax(axis=1)
    wrong = np.flatnonzero(answers != labels)
    certainty = probabilities[wrong, answers[wrong]]
    return [
        Mistake(
            predictions.clip_ids[row],
            predictions.classes[labels[row]],
            predictions.classes[answers[row]],
            float(probabilities[row, answers[row]]),
            float(probabilities[row, labels[row]]),
            (media or {}).get(predictions.clip_ids[row]),
        )
        for row in wrong[np.argsort(-certainty, kind="stable")][:most]
    ]


def mistake_table(mistakes: Sequence[Mistake]) -> Table:
    """The same as a table of a report."""
    rows = [
        [
            found.clip_id,
            found.label,
            found.answer,
            round(100 * found.certainty),
            round(100 * found.label_probability),
        ]
        for found in mistakes
    ]
    return Table(
        "the most certain mistakes, probabilities in %",
        ["clip", "is", "was taken for", "probability", "of what it is"],
        rows,
    )
