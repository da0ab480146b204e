"""The linear probe: one linear classifier on frozen features, its regularisation chosen inside training.

Features are standardised on the training windows. C is chosen by cross-validation in which a group (a
recording, a film, a fold) is never in training and validation both; test clips have no influence.
"""

import warnings
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from avtool.core.arrays import Floats, Ints
from avtool.evaluation.metrics.ranks import log_softmax

Features = NDArray[np.float32] | Floats
Kind = Literal["logistic", "svm"]
GRID = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""The C tried: inverse strengths of the L2 penalty."""
_MOST_ITERATIONS = 2000


@dataclass(frozen=True)
class LinearProbe:
    """A fitted probe.

    Attributes:
        kind: multinomial logistic regression, or one-against-rest linear SVMs.
        regularisation: the C chosen.
        validation: C → accuracy in cross-validation, from 0 to 1; empty where there was nothing to choose.
        converged: whether the solver of the final fit came to its end.
        classes: of the columns of its scores.
    """

    kind: Kind
    regularisation: float
    validation: dict[float, float]
    converged: bool
    classes: Ints
    _pipeline: Any

    def scores(self, features: Features) -> Floats:
        """(N, D) → (N, classes): logarithms of probabilities (logistic), or margins (SVM)."""
        margins = np.asarray(self._pipeline.decision_function(features), np.float64)
        if margins.ndim == 1:  # two classes: scikit-learn gives the second one's alone
            margins = np.stack([-margins / 2, margins / 2], axis=1)
        return log_softmax(margins) if self.kind == "logistic" else margins


def fit_linear_probe(
    features: Features,
    labels: Ints,
    groups: Sequence[Hashable],
    *,
    kind: Kind = "logistic",
    grid: Sequence[float] = GRID,
    folds: int = 4,
    seed: int = 0,
) -> LinearProbe:
    """Fits a probe on training windows.

    Args:
        features: (N, D).
        labels: (N,) class indices; at least two classes.
        groups: (N,) what a window was cut from.
        kind: of classifier.
        grid: the C to choose from.
        folds: of the cross-validation that chooses; fewer where there are fewer groups.
        seed: of the split into folds, and of the SVM's solver.
    """
    assert len(features) == len(labels) == len(groups), "three columns of the same windows"
    assert len(np.unique(labels)) > 1, "a probe needs two classes"
    values = np.asarray(features, np.float64)
    validation = _cross_validate(values, labels, groups, kind, grid, folds, seed) if len(grid) > 1 else {}
    # of equal accuracies the stronger penalty
    best = max(sorted(validation), key=lambda c: validation[c]) if validation else grid[0]
    _, pipeline, converged = next(_fits(values, labels, kind, [best], seed))
    return LinearProbe(kind, best, validation, converged, np.unique(labels), pipeline)


def _cross_validate(
    features: Floats,
    labels: Ints,
    groups: Sequence[Hashable],
    kind: Kind,
    grid: Sequence[float],
    folds: int,
    seed: int,
) -> dict[float, float]:
    """C → accuracy; windows that no classifier could learn the class of count as wrong."""
    names = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    numbers = np.array([names[group] for group in groups])
    count = min(folds, len(names))
    if count < 2:
        return {}
    right = dict.fromkeys(grid, 0)
    for train, test in _splits(labels, numbers, count, seed):
        if len(np.unique(labels[train])) < 2:
            continue
        for regularisation, pipeline, _ in _fits(features[train], labels[train], kind, grid, seed):
            right[regularisation] += int((pipeline.predict(features[test]) == labels[test]).sum())
    return {regularisation: hits / len(labels) for regularisation, hits in right.items()}


def _splits(labels: Ints, groups: Ints, count: int, seed: int) -> list[tuple[Ints, Ints]]:
    """Grouped folds, with classes spread as evenly as the groups allow."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    if len(np.unique(groups)) == count or np.bincount(labels).max() < count:
        return list(GroupKFold(count).split(labels, labels, groups))
    divider = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a class with fewer clips than folds is in as many of them as it can
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(divider.split(labels, labels, groups))


def _fits(
    features: Floats, labels: Ints, kind: Kind, grid: Sequence[float], seed: int
) -> Iterator[tuple[float, Any, bool]]:
    """Fits a classifier for each C, the smallest first.

    Gives each C, a classifier that scales its features itself, and whether its solver came to an end. It is
    one classifier, valid until the next: a logistic regression starts from the weights of the C before.
    Newton steps by conjugate gradients take a fraction of the time of L-BFGS on features that correlate, as
    those of random networks do.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    if kind == "logistic":
        classifier = LogisticRegression(solver="newton-cg", warm_start=True, max_iter=_MOST_ITERATIONS)
    else:
        classifier = LinearSVC(max_iter=_MOST_ITERATIONS, random_state=seed)
    scaler = StandardScaler().fit(features)
    scaled, pipeline = scaler.transform(features), make_pipeline(scaler, classifier)
    for regularisation in sorted(grid):
        classifier.set_params(C=regularisation)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            classifier.fit(scaled, labels)
        stopped = (ConvergenceWarning, UserWarning)  # UserWarning: its line search found no step
        yield regularisation, pipeline, not any(issubclass(one.category, stopped) for one in caught)
