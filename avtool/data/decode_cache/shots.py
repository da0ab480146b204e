"""Shot boundaries."""

import numpy as np
from numpy.typing import NDArray

from avtool.data.decode_cache.frames import Frames

_CUT_STEP = 20.0  # mean grey levels
_CUT_RATIO = 4.0


def cut_places(frames: Frames) -> NDArray[np.bool_]:
    """The first frames of shots, (n,) bool: frames that differ from the one before as a whole, and suddenly.

    A cut changes most of the frame at once; motion, however fast, changes the neighbouring steps too.
    """
    cuts = np.zeros(len(frames), bool)
    if len(frames) > 1:
        steps = steps_of(frames[:, ::4, ::4])
        cuts[1:] = steps > max(_CUT_STEP, _CUT_RATIO * float(np.median(steps)))
    return cuts


def steps_of(frames: Frames) -> NDArray[np.float64]:
    """By how many levels of 255 each frame differs from the one before, on average; (n - 1,)."""
    before, after = frames[:-1], frames[1:]
    differences = np.maximum(before, after) - np.minimum(before, after)  # bytes stay bytes
    return np.asarray(differences.mean(axis=(1, 2, 3)), np.float64)
