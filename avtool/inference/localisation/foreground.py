"""From similarities to a foreground in 0 .. 1: robust z-scores over the film, through a logistic function."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
_SPREAD = 1.4826
"""Median absolute deviations of a normal distribution in one standard deviation."""
_LEAST = 1e-6


def robust_z(values: NDArray[Any], reference: NDArray[Any] | None = None) -> Singles:
    """How many deviations values (N,) lie above the median of a reference (M,), or of themselves.

    The deviation is that of a normal distribution with the same median absolute deviation, or, where more
    than half of the values are equal, the standard deviation; without any, all are 0.
    """
    wide = np.asarray(values, np.float64)
    if not len(wide):
        return wide.astype(np.float32)
    known = wide if reference is None else np.asarray(reference, np.float64)
    middle = np.median(known)
    spread = _SPREAD * np.median(np.abs(known - middle))
    if spread <= _LEAST:
        spread = (known - middle).std()
    return np.asarray((wide - middle) / spread if spread > _LEAST else np.zeros(len(wide)), np.float32)


def foreground_of(deviations: NDArray[Any], middle: float) -> Singles:
    """Deviations (N,) → (N,) in 0 .. 1; 0.5 at `middle` deviations above the median."""
    return np.asarray(1 / (1 + np.exp(-np.clip(deviations - middle, -60, 60))), np.float32)
