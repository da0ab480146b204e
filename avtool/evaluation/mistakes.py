"""The most confident mistakes of a classifier, which show wrong labels, data or models first."""

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
    """The wrong predictions, the most confident first.

    Args:
        predictions: logits, with one label a clip.
        most: how many to give.
        media: the audio file of each clip, by its id, where they are at hand.
    """
    labels = predictions.label_indices()[:, 0]
    probabilities = np.exp(log_softmax(predictions.scores))
    predicted = predictions.scores.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    confidence = probabilities[wrong, predicted[wrong]]
    return [
        Mistake(
            predictions.clip_ids[row],
            predictions.classes[labels[row]],
            predictions.classes[predicted[row]],
            float(probabilities[row, predicted[row]]),
            float(probabilities[row, labels[row]]),
            (media or {}).get(predictions.clip_ids[row]),
        )
        for row in wrong[np.argsort(-confidence, kind="stable")][:most]
    ]


def mistake_table(mistakes: Sequence[Mistake]) -> Table:
    """The same as a table of a report."""
    rows = [
        [
            found.clip_id,
            found.label,
            found.prediction,
            round(100 * found.confidence),
            round(100 * found.label_probability),
        ]
        for found in mistakes
    ]
    return Table(
        "the most confident mistakes, probabilities in %",
        ["clip", "label", "prediction", "probability", "of the label"],
        rows,
    )
