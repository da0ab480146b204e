"""A film that was listened to once: its scores on disk, from which events follow under any thresholds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.data.inputs.spec import Window
from avtool.inference.sound_tagger.onsets import OnsetCurve

Scores = NDArray[np.float64]
_AT_A_TIME = 4096


@dataclass
class HeardFilm:
    """The windows of a film and the probabilities of the classes in them, as they arrive.

    Attributes:
        path: of a file that holds the probabilities, (windows, C) float32.
        num_classes: C.
        onsets: of its waveform.
        seconds: of film so far.
    """

    path: Path
    num_classes: int
    onsets: OnsetCurve = field(default_factory=OnsetCurve)
    seconds: float = 0.0
    _spans: list[tuple[float, float]] = field(default_factory=list)

    def add(self, windows: Sequence[Window], scores: Scores) -> None:
        """The next windows, with their audio where there is some, and their probabilities (windows, C)."""
        with self.path.open("ab") as stream:
            scores.astype(np.float32).tofile(stream)
        for window in windows:
            self.onsets.add_window(window.start, window.end, waveform_of(window))
            self._spans.append((window.start, window.end))
            self.seconds = window.end

    def windows(self) -> Iterator[tuple[float, float, Scores]]:
        """Start, end and probabilities (C,) of each window, read from disk in parts."""
        size = self.num_classes
        for first in range(0, len(self._spans), _AT_A_TIME):
            spans = self._spans[first : first + _AT_A_TIME]
            values = np.fromfile(self.path, np.float32, len(spans) * size, offset=4 * first * size)
            for (start, end), row in zip(spans, values.reshape(-1, size).astype(np.float64), strict=True):
                yield start, end, row


def waveform_of(window: Window) -> NDArray[np.float32] | None:
    """The audio of a window, where the model takes some."""
    found = window.values.get("audio")
    return found if isinstance(found, np.ndarray) and found.ndim == 1 else None
