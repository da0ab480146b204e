"""The arrays that metrics take. N clips, C classes."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def as_scores(scores: ArrayLike) -> Floats:
    """Scores (N, C) in double precision, where no two of a float32 model's numbers become equal."""
    array = np.asarray(scores, dtype=np.float64)
    assert array.ndim == 2, f"scores are (clips, classes), not {array.shape}"
    assert np.isfinite(array).all(), "scores must be finite"
    return array


def as_indices(labels: ArrayLike, num_classes: int) -> Ints:
    """Class indices (N,), each below `num_classes`."""
    array: NDArray[Any] = np.asarray(labels)
    assert array.ndim == 1, f"labels are one index a clip, not {array.shape}"
    assert array.size == 0 or np.issubdtype(array.dtype, np.integer), f"labels are {array.dtype}, not indices"
    assert ((array >= 0) & (array < num_classes)).all(), f"labels must lie in 0 .. {num_classes - 1}"
    return array.astype(np.int64)
