"""The most confident mistakes of a classifier, which show wrong labels, data or models first."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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


def false_alarms(predictions: Predictions, most: int = _SHOWN) -> list[Mistake]:
    """Of several labels a clip: the most probable class of each clip that is none of its labels.

    Args:
        predictions: logits; clips without a label are left unscored.
        most: how many to give, the most probable first.
    """
    truth = predictions.multi_hot()
    probabilities = np.exp(-np.logaddexp(0, -predictions.scores.astype(np.float64)))
    outside = np.where(truth, -1.0, probabilities)
    guess = outside.argmax(axis=1)
    confidence = outside[np.arange(len(guess)), guess]
    rows = np.flatnonzero(truth.any(axis=1) & (confidence > 0.5))
    return [
        Mistake(
            predictions.clip_ids[row],
            ", ".join(predictions.labels[row]),
            predictions.classes[guess[row]],
            float(confidence[row]),
            float(probabilities[row][truth[row]].max()),
        )
        for row in rows[np.argsort(-confidence[rows], kind="stable")][:most]
    ]


def worst_actions(predictions: Predictions, most: int = _SHOWN) -> list[Mistake]:
    """Of verbs and nouns: wrong pairs, by the product of their probabilities, the most confident first."""
    parts = predictions.parts()
    truth = np.stack([part.label_indices()[:, 0] for part in parts])
    chances = [np.exp(log_softmax(part.scores)) for part in parts]
    guess = np.stack([part.scores.argmax(axis=1) for part in parts])
    clips = np.arange(truth.shape[1])

    def together(choice: NDArray[np.int64]) -> NDArray[np.float64]:
        product: NDArray[np.float64] = np.prod(
            [chance[clips, picked] for chance, picked in zip(chances, choice, strict=True)], axis=0
        )
        return product

    def words(choice: NDArray[np.int64], row: int) -> str:
        return " ".join(part.classes[picked[row]] for part, picked in zip(parts, choice, strict=True))

    confidence, of_label = together(guess), together(truth)
    wrong = np.flatnonzero((guess != truth).any(axis=0))
    return [
        Mistake(
            predictions.clip_ids[row],
            words(truth, row),
            words(guess, row),
            float(confidence[row]),
            float(of_label[row]),
        )
        for row in wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
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
