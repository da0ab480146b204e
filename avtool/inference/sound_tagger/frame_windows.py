"""Frames of overlapping windows as windows of their own, for models that score a window frame by frame."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.data.inputs.spec import Window

if TYPE_CHECKING:
    from avtool.inference.outputs import Logits

_CENTRE = 0.75
"""Share of a window, up to which its frames are used where another window follows."""


def frame_windows(
    windows: "Iterable[tuple[Window, Logits]]", seconds: float
) -> "Iterator[tuple[Window, Logits]]":
    """The frames of a file by time, each once, from windows that overlap by half.

    Of each window the frames of its middle half are used, of the first one also those before, and of the last
    one those after, up to the end of the file.

    Args:
        windows: with the logits of their frames, (T, C).
        seconds: of a whole window, over which the frames are evenly spaced.

    Returns:
        The span of each frame with its part of the waveform, and its logits (C,).
    """
    reached = 0.0
    held: list[tuple[Window, Logits]] = []
    for window, logits in windows:
        held = []  # the middle of this window has them
        hop = seconds / len(logits)
        for place, row in enumerate(logits):
            start = window.start + place * hop
            middle, end = start + hop / 2, min(start + hop, window.end)
            if middle < reached or middle > window.end:
                continue
            frame = Window(start, end, {"audio": _part(window, place, len(logits), seconds)})
            if middle < window.start + _CENTRE * seconds:
                yield frame, row
            else:
                held.append((frame, row))
        reached = window.start + _CENTRE * seconds
    yield from held


def _part(window: Window, place: int, count: int, seconds: float) -> NDArray[np.float32]:
    """The samples of a frame."""
    waveform: NDArray[np.float32] = window.values["audio"]
    rate = round(len(waveform) / (window.end - window.start))
    first, past = (round(edge * seconds * rate / count) for edge in (place, place + 1))
    return waveform[first:past]
