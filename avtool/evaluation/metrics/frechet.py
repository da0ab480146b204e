"""The Fréchet distance between two sets of features: of Gaussians with their means and covariances.

Unterthiner et al., 2019, for videos. All in double precision: in single precision two equal sets of 400
features are some thousandths of their variance apart.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Floats


@dataclass(frozen=True)
class FeatureMoments:
    """The moments of a set of features.

    Attributes:
        mean: (D,).
        covariance: (D, D), unbiased.
        count: N of the set.
    """

    mean: Floats
    covariance: Floats
    count: int

    @classmethod
    def of(cls, features: ArrayLike) -> "FeatureMoments":
        """The moments of (N, D) finite features, N at least 2."""
        values = np.asarray(features, np.float64)
        assert values.ndim == 2, f"features are (N, D), not {values.shape}"
        assert len(values) >= 2, "a covariance needs two samples"
        assert np.isfinite(values).all(), "features are finite"
        mean = values.mean(axis=0)
        centred = values - mean
        return cls(mean, centred.T @ centred / (len(values) - 1), len(values))

    @property
    def is_deficient(self) -> bool:
        """Whether there are too few samples for a covariance of full rank: distances are biased upwards."""
        return self.count <= len(self.mean)


def frechet_distance(one: FeatureMoments, other: FeatureMoments) -> float:
    """‖μ₁ - μ₂‖² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½).

    The trace of the root is the sum of the roots of the eigenvalues of A Σ₂ Aᵀ, with AᵀA = Σ₁: they are those
    of Σ₁Σ₂, and real and not negative also where a covariance has not full rank.
    """
    difference = one.mean - other.mean
    root = _root(one.covariance)
    values = np.linalg.eigvalsh(root @ other.covariance @ root.T)
    shared = np.sqrt(values.clip(min=0)).sum()
    traces = np.trace(one.covariance) + np.trace(other.covariance)
    return float(difference @ difference + traces - 2 * shared)


def _root(covariance: Floats) -> Floats:
    """(rank, D) A with AᵀA = covariance; directions whose variance is rounding are removed."""
    values, vectors = np.linalg.eigh(covariance)
    least = len(values) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
    kept = values > least
    return np.asarray(np.sqrt(values[kept])[:, None] * vectors[:, kept].T, np.float64)


def energy_distance(one: ArrayLike, other: ArrayLike) -> float:
    """2 E‖x - y‖ - E‖x - x'‖ - E‖y - y'‖ over pairs of different samples: unbiased, for few samples too.

    Args:
        one: (N, D), N at least 2.
        other: (M, D), M at least 2.
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    between = _distances(first, second).mean()
    within = (_distances(part, part).sum() / (len(part) * (len(part) - 1)) for part in (first, second))
    return float(2 * between - sum(within))


def _distances(one: Floats, other: Floats) -> Floats:
    return np.stack([np.linalg.norm(other - row, axis=1) for row in one])
