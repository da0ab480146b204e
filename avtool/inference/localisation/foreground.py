"""From similarities to a foreground in 0 .. 1: robust z-scores over the film, through a logistic function."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
_SPREAD = 1.4826
"""Median absolute deviations of a normal distribution in one standard deviation."""
_LEAST = 1e-6


def robust_z(values: NDArray[Any]) -> Singles:
    """How many deviations values lie above their median, (N, …) along the first axis.

    The deviation is that of a normal distribution with the same median absolute deviation, or, where more
    than half of the values are equal, the standard deviation; without any, all are 0.
    """
    wide = np.asarray(values, np.float64)
    if not len(wide):
        return wide.astype(np.float32)
    centred = wide - np.median(wide, axis=0)
    spread = _SPREAD * np.median(np.abs(centred), axis=0)
    spread = np.where(spread > _LEAST, spread, centred.std(axis=0))
    return np.asarray(np.where(spread > _LEAST, centred / np.maximum(spread, _LEAST), 0.0), np.float32)


def foreground_of(deviations: NDArray[Any], middle: float) -> Singles:
    """Deviations (N,) → (N,) in 0 .. 1; 0.5 at `middle` deviations above the median."""
    return np.asarray(1 / (1 + np.exp(-np.clip(deviations - middle, -60, 60))), np.float32)
