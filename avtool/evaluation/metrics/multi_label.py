"""Several labels a clip: average precision, area under the ROC curve, and d′, class by class.

A class without a positive has no recall, and one without a negative no false alarms: such classes are left
out of the means and named, rather than counted as 0 as scikit-learn would have it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Bools, Floats, as_scores

Unlabelled = Literal["skip", "negatives"]
UNLABELLED = "Multi-label: clips without a label are skipped in metrics, or negatives of every class."


@dataclass(frozen=True)
class MultiLabelScores:
    """Scores over classes.

    Attributes:
        average_precision: (C,), NaN for a class without positives.
        area_under_roc: (C,), NaN for a class without positives or without negatives.
        num_positives: (C,) clips of each class.
        num_clips: clips scored.
    """

    average_precision: Floats
    area_under_roc: Floats
    num_positives: tuple[int, ...]
    num_clips: int

    @property
    def mean_average_precision(self) -> float:
        """mAP: the plain mean over the classes that have it."""
        return _mean(self.average_precision)

    @property
    def mean_area(self) -> float:
        """mAUC: the plain mean over the classes that have it."""
        return _mean(self.area_under_roc)

    @property
    def d_prime(self) -> float:
        """d′ of the mean area, as AudioSet's papers compute it."""
        return d_prime(self.mean_area)

    @property
    def num_scored(self) -> int:
        """Classes in the mAP."""
        return int((~np.isnan(self.average_precision)).sum())

    @property
    def excluded(self) -> tuple[int, ...]:
        """Indices of the classes without positives."""
        return tuple(int(index) for index in np.flatnonzero(np.isnan(self.average_precision)))


def score_multi_label(
    truth: ArrayLike, scores: ArrayLike, unlabelled: Unlabelled = "skip"
) -> MultiLabelScores:
    """Scores every class.

    Args:
        truth: (N, C), true or 1 where a clip has a class.
        scores: (N, C), higher is more certain; logits and probabilities give the same.
        unlabelled: what clips without a label are.
    """
    array = as_scores(scores)
    positive = np.asarray(truth).astype(bool)
    assert positive.shape == array.shape, f"truth {positive.shape} and scores {array.shape} differ in shape"
    if unlabelled == "skip":
        labelled = positive.any(axis=1)
        positive, array = positive[labelled], array[labelled]
    columns = range(array.shape[1])
    return MultiLabelScores(
        np.array([average_precision(positive[:, column], array[:, column]) for column in columns]),
        np.array([area_under_roc(positive[:, column], array[:, column]) for column in columns]),
        tuple(int(count) for count in positive.sum(axis=0)),
        len(array),
    )


def average_precision(positive: Bools, scores: Floats) -> float:
    """Step-wise: Σ (recall_i - recall_{i-1}) precision_i over the thresholds i; NaN without positives.

    Args:
        positive: (N,) whether each clip has the class.
        scores: (N,) of the class; only their order counts.
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(positive, scores)) if positive.any() else float("nan")


def area_under_roc(positive: Bools, scores: Floats) -> float:
    """The chance that a positive scores above a negative, a tie counting half; NaN without either.

    Arguments as of `average_precision`.
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, scores)) if positive.any() and not positive.all() else float("nan")


def d_prime(area: float) -> float:
    """√2 · Φ⁻¹(area): how far apart two unit Gaussians with this area under the ROC curve lie."""
    from scipy.special import ndtri

    return float(np.sqrt(2) * ndtri(area))


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
