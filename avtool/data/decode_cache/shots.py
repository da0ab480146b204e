"""Where one shot ends and the next begins."""

import numpy as np
from numpy.typing import NDArray

from avtool.data.decode_cache.frames import Frames

_CUT_STEP = 20.0  # mean grey levels
_CUT_RATIO = 4.0


def cut_places(pictures: Frames) -> NDArray[np.bool_]:
    """Where a new shot begins, (n,): pictures that differ from the one before as a whole, and suddenly.

    A cut changes most of the picture at once; motion, however fast, changes the neighbouring steps too.
    """
    cuts = np.zeros(len(pictures), bool)
    if len(pictures) > 1:
        steps = steps_of(pictures[:, ::4, ::4])
        cuts[1:] = steps > max(_CUT_STEP, _CUT_RATIO * float(np.median(steps)))
    return cuts


def steps_of(pictures: Frames) -> NDArray[np.float64]:
    """By how many levels of 255 each picture differs from the one before, on average; (n - 1,)."""
    before, after = pictures[:-1], pictures[1:]
    differences = np.maximum(before, after) - np.minimum(before, after)  # bytes stay bytes
    return np.asarray(differences.mean(axis=(1, 2, 3)), np.float64)
