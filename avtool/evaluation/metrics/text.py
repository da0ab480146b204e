"""Metrics of text tasks by scikit-learn and SciPy, and the threshold of a wanted precision."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
NEVER = 1.01
"""A threshold that no probability reaches."""


def class_metrics(logits: Values, targets: Values) -> dict[str, float]:
    """Metrics of classes: accuracy, macro-F1, Matthews' correlation, and of two classes F1 of the second.

    Args:
        logits: (N, classes).
        targets: (N,) numbers of classes.
    """
    from sklearn.metrics import f1_score, matthews_corrcoef

    chosen, truth = logits.argmax(axis=1), targets.astype(int)
    several = len(set(truth) | set(chosen)) > 1
    of_two = {"f1": float(f1_score(truth, chosen, zero_division=0))} if logits.shape[1] == 2 else {}
    return {
        "accuracy": float((chosen == truth).mean()),
        "macro_f1": float(f1_score(truth, chosen, labels=np.unique(truth), average="macro", zero_division=0)),
        "matthews": float(matthews_corrcoef(truth, chosen)) if several else 0.0,
        **of_two,
    }


def value_metrics(values: Values, targets: Values) -> dict[str, float]:
    """Metrics of a regression: Pearson's correlation, 0 of constant values, and mean absolute error."""
    from scipy.stats import pearsonr

    varied = len(values) > 1 and np.ptp(values) > 0 and np.ptp(targets) > 0
    return {
        "pearson": float(pearsonr(values, targets).statistic) if varied else 0.0,
        "error": float(np.abs(values - targets).mean()),
    }


def precision_threshold(probabilities: Values, targets: Values, precision: float = 0.9) -> float:
    """The lowest probability of the likeliest class from which so many predictions are right.

    Args:
        probabilities: (N, classes).
        targets: (N,) numbers of classes.
        precision: share of right predictions among those at or above the threshold.

    Returns:
        The threshold; above 1 where no threshold reaches the precision.
    """
    best = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets.astype(int)
    order = np.argsort(-best, kind="stable")
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    last_of_value = np.append(np.diff(best[order]) != 0, True)
    reached = np.flatnonzero((shares >= precision) & last_of_value)
    return float(best[order][reached[-1]]) if len(reached) else NEVER
