"""Small predictions to score."""

import numpy as np

from avtool.evaluation.predictions import Predictions


def make_predictions(
    scores: object, labels: list[tuple[str, ...]], classes: str = "abc", **columns: object
) -> Predictions:
    """Clips c0, c1, … over classes of one letter each."""
    ids = tuple(f"c{index}" for index in range(len(labels)))
    return Predictions(ids, tuple(classes), np.asarray(scores, np.float32), tuple(labels), **columns)  # type: ignore[arg-type]
