"""Multinomial logistic regression over several strengths of its penalty, by preconditioned L-BFGS.

Frozen features are far from isotropic, and plain L-BFGS takes hundreds of iterations over them. Here it runs
along their principal axes, each scaled by the curvature that features and penalty have along it, and each
strength starts from the solution of the one before. The problem is strictly convex, so the solution is the
same; the gradient is small after tens of iterations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from avtool.core.arrays import Floats, Ints

_MOST_ITERATIONS = 2000
_GRADIENT = 1e-5
"""The largest entry of the scaled gradient of the mean loss at which the solver stops."""
_MEMORY = 20
_LEAST_CURVATURE = 1e-4
"""Of a mean loss, along an axis of unit variance: well fitted probabilities have nearly none."""


@dataclass(frozen=True)
class SoftmaxClassifier:
    """A fitted classifier of standardised features.

    Attributes:
        mean: (D,) of the training features.
        deviation: (D,) of them; 1 where they are constant.
        weight: (D, K) of standardised features.
        bias: (K,).
        classes: (K,) the label of each column.
        converged: whether the solver came to its end.
    """

    mean: Floats
    deviation: Floats
    weight: Floats
    bias: Floats
    classes: Ints
    converged: bool

    def decision_function(self, features: Floats) -> Floats:
        """(N, D) → logits (N, K)."""
        logits: Floats = (
            np.asarray(features, np.float64) - self.mean
        ) / self.deviation @ self.weight + self.bias
        return logits

    def predict(self, features: Floats) -> Ints:
        """(N, D) → the likeliest class of each, (N,)."""
        found: Ints = self.classes[self.decision_function(features).argmax(axis=1)]
        return found


class _Axes(NamedTuple):
    """Standardised features along their principal axes: (N, R) values, (D, R) axes, (R,) variances."""

    values: Floats
    axes: Floats
    variances: Floats


def fit_softmax(features: Floats, labels: Ints, strengths: Sequence[float]) -> list[SoftmaxClassifier]:
    """Fits a classifier for each strength, as scikit-learn's `LogisticRegression` defines it.

    Minimises C · Σ cross-entropy + ½ ‖W‖² over standardised features; the bias has no penalty.

    Args:
        features: (N, D).
        labels: (N,) class indices of at least two classes.
        strengths: C, inverse strengths of the penalty; results come in their order.
    """
    classes, targets = np.unique(labels, return_inverse=True)
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation = np.where(
        deviation < np.finfo(np.float64).eps * np.maximum(np.abs(mean), 1) * 10, 1.0, deviation
    )
    axes = _principal((features - mean) / deviation)
    # two classes: scikit-learn's one vector w is W₁ - W₀, whose penalty is twice that of W₁ and W₀ = -W₁
    factor = 2.0 if len(classes) == 2 else 1.0
    solution = np.zeros((len(axes.variances) + 1, len(classes)))
    found: dict[float, SoftmaxClassifier] = {}
    for strength in sorted(strengths):
        solution, converged = _minimise(axes, targets, factor / (strength * len(labels)), solution)
        weight, bias = axes.axes @ solution[:-1], solution[-1]
        found[strength] = SoftmaxClassifier(mean, deviation, weight, bias, classes, converged)
    return [found[strength] for strength in strengths]


def _principal(values: Floats) -> _Axes:
    """The principal axes; with fewer rows than columns, those of the rows alone, which hold the solution."""
    count, width = values.shape
    if count < width:
        left, scale, right = np.linalg.svd(values, full_matrices=False)
        return _Axes(left * scale, right.T, scale**2 / count)
    variances, axes = np.linalg.eigh(values.T @ values / count)
    return _Axes(values @ axes, axes, np.maximum(variances, 0.0))


def _minimise(axes: _Axes, targets: Ints, penalty: float, start: Floats) -> tuple[Floats, bool]:
    """The solution (R + 1, K), bias last, and whether the solver came to its end."""
    from scipy.optimize import minimize

    count, shape = len(targets), start.shape
    rows = np.arange(count)

    def probabilities(weight: Floats) -> tuple[Floats, Floats]:
        logits = axes.values @ weight[:-1] + weight[-1]
        logits -= logits.max(axis=1, keepdims=True)
        exponents = np.exp(logits)
        totals = exponents.sum(axis=1, keepdims=True)
        return exponents / totals, logits[rows, targets] - np.log(totals[:, 0])

    share = probabilities(start)[0]
    curvature = max(float((share * (1 - share)).mean()), _LEAST_CURVATURE)
    scale = 1 / np.sqrt(np.append(curvature * axes.variances + penalty, curvature))[:, None]

    def objective(flat: Floats) -> tuple[float, Floats]:
        weight = flat.reshape(shape) * scale
        share, likelihood = probabilities(weight)
        share[rows, targets] -= 1
        share /= count
        gradient = np.concatenate([axes.values.T @ share + penalty * weight[:-1], share.sum(axis=0)[None]])
        loss = -likelihood.mean() + penalty / 2 * float((weight[:-1] ** 2).sum())
        return loss, (gradient * scale).ravel()

    options = {"maxiter": _MOST_ITERATIONS, "maxcor": _MEMORY, "gtol": _GRADIENT, "ftol": 1e-14}
    result = minimize(objective, (start / scale).ravel(), jac=True, method="L-BFGS-B", options=options)
    return result.x.reshape(shape) * scale, result.nit < _MOST_ITERATIONS
