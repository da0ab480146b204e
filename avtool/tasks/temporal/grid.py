"""Segments of a video: the video or spectrogram frames that they play, and their place in time.

Times are those of the video: that a segment is played backwards changes nothing about what comes first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OVERLAP, BEFORE, AFTER = 0, 1, 2
"""How the first of two segments lies to the second."""


@dataclass(frozen=True)
class Grid:
    """The video or spectrogram frames that a video offers.

    Attributes:
        offset: time of number 0, in seconds from the video's start.
        rate: numbers a second.
        total: how many there are.
        count: how many a clip takes.
        steps: the speeds; a clip of speed s takes every s-th.
        spans: how many numbers a clip of each speed covers.
        lead: numbers that the middle of a span lies before first + span / 2: a frame lasts from its time
            on, a frame of sound around its time.
    """

    offset: float
    rate: float
    total: int
    count: int
    steps: tuple[int, ...]
    spans: tuple[int, ...]
    lead: float = 0.0

    @property
    def num_speeds(self) -> int:
        """How many of the speeds the video is long enough for."""
        return sum(span <= self.total for span in self.spans)

    def centre(self, first: int, speed: int) -> float:
        """The time of the middle of a clip, in seconds from the video's start."""
        return self.offset + (first + self.spans[speed] / 2 - self.lead) / self.rate

    def place(self, centre: float, speed: int) -> float:
        """The number, with its fraction, that a clip with this middle begins at."""
        return (centre - self.offset) * self.rate - self.spans[speed] / 2 + self.lead

    def extent(self, speed: int) -> float:
        """The seconds that a clip takes of the video."""
        return self.count * self.steps[speed] / self.rate


@dataclass(frozen=True)
class Segment:
    """One clip's video or spectrogram frames.

    Attributes:
        first: number of its earliest.
        speed: place of its speed among the speeds.
        backward: whether it is played from its end.
        grid: that the numbers belong to.
        fits: whether the video is long enough for it.
    """

    first: int
    speed: int
    backward: bool
    grid: Grid
    fits: bool = True

    @property
    def numbers(self) -> NDArray[np.int64]:
        """In the order in which they are played, (count,)."""
        numbers = self.first + self.grid.steps[self.speed] * np.arange(self.grid.count)
        return numbers[::-1] if self.backward else numbers

    @property
    def centre(self) -> float:
        """The time of its middle, in seconds from the video's start."""
        return self.grid.centre(self.first, self.speed)

    @property
    def interval(self) -> tuple[float, float]:
        """From when to when of the video, in seconds from its start."""
        half = self.grid.extent(self.speed) / 2
        return self.centre - half, self.centre + half


def order_of(one: Segment, other: Segment) -> int:
    """`OVERLAP`, `BEFORE` or `AFTER`: how the first lies to the second in the video."""
    (begin, end), (other_begin, other_end) = one.interval, other.interval
    if min(end, other_end) - max(begin, other_begin) > 0:
        return OVERLAP
    return BEFORE if end <= other_begin else AFTER
