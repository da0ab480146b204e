"""Events: spans of a file in which the probability of a class stays above a threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        start, end: in seconds.
        label: the class.
        score: the highest probability in it.
    """

    start: float
    end: float
    label: str
    score: float


@dataclass
class EventFinder:
    """Joins windows of a file, one by one, in which a class is above the threshold.

    A window stands for the time around its middle, half a hop to either side; the first one also for what
    is before, and the last one for what is after.

    Attributes:
        labels: of the classes.
        threshold: minimum probability of an event.
        merge_gap: gap in seconds up to which events of a class are merged.
        min_duration: minimum duration of an event, in seconds.
        hop: seconds between windows.
    """

    labels: Sequence[str]
    threshold: float
    merge_gap: float
    min_duration: float
    hop: float
    _open: dict[int, Event] = field(default_factory=dict)
    _done: list[Event] = field(default_factory=list)
    _waiting: tuple[float, float, NDArray[np.float64]] | None = None
    _reached: float = 0.0

    def add(self, start: float, end: float, probabilities: NDArray[np.float64]) -> None:
        """The next window: its span in seconds, and the probabilities of the classes, (C,)."""
        if self._waiting is not None:
            before, past, values = self._waiting
            self._place((before + past + self.hop) / 2, values)
        self._waiting = start, end, probabilities

    def finish(self) -> list[Event]:
        """All events by time, after the last window."""
        if self._waiting is not None:
            _, end, values = self._waiting
            self._place(max(end, self._reached), values)
            self._waiting = None
        events = [*self._done, *self._open.values()]
        kept = [event for event in events if event.end - event.start >= self.min_duration]
        return sorted(kept, key=lambda event: (event.start, event.end, event.label))

    def _place(self, until: float, probabilities: NDArray[np.float64]) -> None:
        begin, self._reached = self._reached, until
        if until <= begin:
            return
        for index in np.flatnonzero(probabilities >= self.threshold).tolist():
            score, last = float(probabilities[index]), self._open.get(index)
            if last is not None and begin - last.end <= self.merge_gap + 1e-9:
                self._open[index] = Event(last.start, until, last.label, max(last.score, score))
                continue
            if last is not None:
                self._done.append(last)
            self._open[index] = Event(begin, until, self.labels[index], score)
