"""The mistakes a classifier was surest of: where labels, data or model are wrong, they show it first."""

from dataclasses import dataclass

import numpy as np

from avtool.evaluation.benchmark import Table
from avtool.evaluation.metrics.ranks import log_softmax
from avtool.evaluation.predictions import Predictions

_SHOWN = 15


@dataclass(frozen=True, slots=True)
class Mistake:
    """A clip with a wrong answer.

    Attributes:
        clip_id: of the clip.
        label: what it is.
        answer: what the model said.
        certainty: the probability the model gave its answer.
        label_probability: the probability it gave the label.
    """

    clip_id: str
    label: str
    answer: str
    certainty: float
    label_probability: float


def worst_mistakes(predictions: Predictions, most: int = _SHOWN) -> list[Mistake]:
    """The wrong answers, the most certain first.

    Args:
        predictions: logits, with one label a clip.
        most: how many to give.
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
        )
        for row in wrong[np.argsort(-certainty, kind="stable")][:most]
    ]


def mistake_table(predictions: Predictions, most: int = _SHOWN) -> Table:
    """The same as a table of a report."""
    rows = [
        [
            found.clip_id,
            found.label,
            found.answer,
            round(100 * found.certainty),
            round(100 * found.label_probability),
        ]
        for found in worst_mistakes(predictions, most)
    ]
    return Table(
        "the most certain mistakes, probabilities in %",
        ["clip", "is", "was heard as", "probability", "of what it is"],
        rows,
    )
