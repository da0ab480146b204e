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


PerClass = float | NDArray[np.float64]
"""One value for all classes, or one for each, (C,)."""


@dataclass
class EventFinder:
    """Joins windows of a file, one by one, in which a class is above the threshold.

    With a `release` below the threshold an event has hysteresis: it is all the time around a window above the
    threshold in which the class stays above `release`. A window stands for the time around its middle, half a
    hop to either side; the first one also for what is before, and the last one for what is after.

    Attributes:
        labels: of the classes.
        threshold: minimum probability of an event.
        merge_gap: gap in seconds up to which events of a class are merged.
        min_duration: minimum duration of an event, in seconds.
        hop: seconds between windows.
        release: probability down to which an event lasts; None for the threshold.
        frames: where given, gets the start, end and probabilities of each part of the file.
    """

    labels: Sequence[str]
    threshold: PerClass
    merge_gap: PerClass
    min_duration: PerClass
    hop: float
    release: PerClass | None = None
    frames: list[list[float]] | None = None
    _open: dict[int, Event] = field(default_factory=dict)
    _last: dict[int, Event] = field(default_factory=dict)
    _done: list[Event] = field(default_factory=list)
    _waiting: tuple[float, float, NDArray[np.float64]] | None = None
    _reached: float = 0.0

    def __post_init__(self) -> None:
        self._threshold, self._gap, self._shortest, self._release = (
            np.broadcast_to(np.asarray(value, np.float64), (len(self.labels),))
            for value in (
                self.threshold,
                self.merge_gap,
                self.min_duration,
                self.threshold if self.release is None else self.release,
            )
        )

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
        for index in list(self._open):
            self._close(index)
        for index in list(self._last):
            self._keep(index)
        return sorted(self._done, key=lambda event: (event.start, event.end, event.label))

    def _place(self, until: float, probabilities: NDArray[np.float64]) -> None:
        begin, self._reached = self._reached, until
        if until <= begin:
            return
        if self.frames is not None:
            self.frames.append([begin, until, *probabilities.tolist()])
        above = set(np.flatnonzero(probabilities >= self._release).tolist())
        for index in self._open.keys() - above:
            self._close(index)
        for index in above:
            score, event = float(probabilities[index]), self._open.get(index)
            start, peak = (begin, score) if event is None else (event.start, max(event.score, score))
            self._open[index] = Event(start, until, self.labels[index], peak)

    def _close(self, index: int) -> None:
        """An event has ended: it joins the last one of its class where that is near."""
        event = self._open.pop(index)
        if event.score < self._threshold[index]:
            return
        last = self._last.get(index)
        if last is not None and event.start - last.end <= self._gap[index] + 1e-9:
            event = Event(last.start, event.end, event.label, max(last.score, event.score))
        elif last is not None:
            self._keep(index)
        self._last[index] = event

    def _keep(self, index: int) -> None:
        event = self._last.pop(index)
        if event.end - event.start >= self._shortest[index]:
            self._done.append(event)
