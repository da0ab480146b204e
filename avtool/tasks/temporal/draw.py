"""Where the two clips of a video lie, how fast and in which direction they are played.

Everything is drawn before anything is read.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from avtool.tasks.temporal.grid import AFTER, BEFORE, OVERLAP, Grid, Segment

_TINY = 1e-6


@dataclass(frozen=True)
class Pair:
    """Two clips of a video.

    Attributes:
        segments: of each modality, `video` and `audio`, for the first and the second clip.
        orders: whether the video allows every order at these speeds, so that order is a pretext task.
    """

    segments: Mapping[str, tuple[Segment, Segment]]
    orders: bool


def draw_pair(grids: Mapping[str, Grid], gap: float, rng: np.random.Generator) -> Pair:
    """Draws speeds and directions of sight and sound, each by itself; the order; then the places.

    Of the speeds that the video is long enough for each is equally likely, and so is each order. Where the
    speeds leave room for one order only, it could be inferred from the speeds: order is then no pretext task,
    as it would have a short cut. The audio lies around the middle of the frames.

    Args:
        grids: `video`, `audio`, or both.
        gap: longest pause between clips that follow each other, in seconds.
        rng: a generator.
    """
    drawn = {name: rng.integers(max(1, grid.num_speeds), size=2) for name, grid in grids.items()}
    backward = {name: rng.random(2) < 0.5 for name in grids}
    order = int(rng.integers(3))
    first_speeds, second_speeds = zip(*(speeds.tolist() for speeds in drawn.values()), strict=True)
    places = _places(tuple(grids.items()), first_speeds, second_speeds, gap)
    clips = places.one, places.other
    firsts = places.draw(order if places.any_order else OVERLAP, rng)
    segments = {}
    for name, grid in grids.items():
        one, other = (
            clip.segment(grid, name, first, bool(back))
            for clip, first, back in zip(clips, firsts, backward[name], strict=True)
        )
        segments[name] = one, other
    return Pair(segments, places.any_order)


# Clips of one length have the same places, and finding them takes longer than drawing.
@lru_cache(maxsize=4096)
def _places(
    grids: tuple[tuple[str, Grid], ...], first: tuple[int, ...], second: tuple[int, ...], gap: float
) -> "_Places":
    """The ways to lay two clips that are played at these speeds, in the order of the grids."""
    names = [name for name, _ in grids]
    one, other = (_Room.of(dict(grids), dict(zip(names, speeds, strict=True))) for speeds in (first, second))
    return _Places.of(one, other, gap)


def can_order(grids: Mapping[str, Grid]) -> bool:
    """Whether a video is long enough for the order of two clips, at the slowest speed at least."""
    if not grids:
        return False
    rooms = [_Room.of(grids, dict.fromkeys(grids, 0)) for _ in (0, 1)]
    return _Places.of(rooms[0], rooms[1], 0.0).any_order


@dataclass(frozen=True)
class _Room:
    """The numbers of the leading modality (video, where there is any) that a clip may begin at.

    Attributes:
        leader: the leading modality's grid.
        speed: place of its speed.
        speeds: places of the speeds, by modality.
        extents: the seconds of the video that each modality takes.
        low, high: the first and the last number.
        unfit: modalities that the video is too short for.
        slack: by how many seconds the middles of the modalities may differ.
    """

    leader: Grid
    speed: int
    speeds: Mapping[str, int]
    extents: Mapping[str, float]
    low: int
    high: int
    unfit: frozenset[str]
    slack: float

    @classmethod
    def of(cls, grids: Mapping[str, Grid], speeds: dict[str, int]) -> "_Room":
        names = [name for name in ("video", "audio") if name in grids]
        leader = grids[names[0]]
        speed = speeds[names[0]]
        unfit = {name for name in names if not grids[name].num_speeds}
        low, high = 0, max(0, leader.total - leader.spans[speed])
        slack = 0.0
        for name in names[1:]:
            follower = grids[name]
            while name not in unfit:
                bounds = _shared(leader, speed, (low, high), follower, speeds[name])
                if bounds is not None:
                    low, high = bounds
                    slack = 0.5 / follower.rate
                    break
                if not speeds[name]:
                    unfit.add(name)
                speeds[name] = max(0, speeds[name] - 1)  # around the frames there is room for less audio
        extents = {name: grids[name].extent(speeds[name]) for name in names if name not in unfit}
        return cls(leader, speed, speeds, extents, low, high, frozenset(unfit), slack)

    @property
    def earliest(self) -> float:
        """The first middle of the clip, in seconds."""
        return self.centre(self.low)

    @property
    def latest(self) -> float:
        """The last middle of the clip, in seconds."""
        return self.centre(self.high)

    def centre(self, first: int) -> float:
        return self.leader.centre(first, self.speed)

    def between(self, begin: float, end: float) -> tuple[int, int]:
        """The numbers whose middles lie between two times; the second is lower where there are none."""
        low = math.ceil(self.leader.place(begin, self.speed) - _TINY)
        high = math.floor(self.leader.place(end, self.speed) + _TINY)
        return max(self.low, low), min(self.high, high)

    def segment(self, grid: Grid, name: str, first: int, backward: bool) -> Segment:
        """What of a modality is played when the leading one begins at `first`."""
        speed = self.speeds[name]
        if grid is not self.leader:
            last = max(0, grid.total - grid.spans[speed])
            first = min(max(0, round(grid.place(self.centre(first), speed))), last)
        return Segment(first, speed, backward, grid, name not in self.unfit)


def _shared(
    leader: Grid, speed: int, numbers: tuple[int, int], follower: Grid, follower_speed: int
) -> tuple[int, int] | None:
    """The leader's numbers around whose middles the follower fits too, to half a step of it."""
    last = follower.total - follower.spans[follower_speed]
    if last < 0:
        return None
    half = 0.5 / follower.rate
    earliest = follower.centre(0, follower_speed) - half
    latest = follower.centre(last, follower_speed) + half
    low = max(numbers[0], math.ceil(leader.place(earliest, speed) + _TINY))
    high = min(numbers[1], math.floor(leader.place(latest, speed) - _TINY))
    return (low, high) if low <= high else None


@dataclass(frozen=True)
class _Places:
    """The ways to lay two clips.

    Attributes:
        one, other: where each may lie.
        reach: middles that are nearer than this overlap in every modality.
        apart: middles that are farther than this do in none.
        gap: longest pause, in seconds.
    """

    one: _Room
    other: _Room
    reach: float
    apart: float
    gap: float

    @classmethod
    def of(cls, one: _Room, other: _Room, gap: float) -> "_Places":
        pairs = (("video", "video"), ("audio", "audio"), ("video", "audio"))
        halves = [
            (one.extents[a] + other.extents[b]) / 2
            for a, b in pairs
            if a in one.extents and b in other.extents
        ] or [0.0]
        slack = _TINY + one.slack + other.slack
        return cls(one, other, min(halves) - slack, max(halves) + slack, gap)

    @property
    def any_order(self) -> bool:
        """Whether there is room for each order."""
        apart = min(self.other.latest - self.one.earliest, self.one.latest - self.other.earliest)
        low, high = self._near(self.other, self.one)
        return apart >= self.apart and low <= high

    def draw(self, order: int, rng: np.random.Generator) -> tuple[int, int]:
        """The numbers that the clips begin at."""
        if order == BEFORE:
            return self._draw_apart(self.one, self.other, rng)
        if order == AFTER:
            late, early = self._draw_apart(self.other, self.one, rng)
            return early, late
        low, high = self._near(self.other, self.one)
        if low > high:
            low, high = self.one.low, self.one.high
        first = int(rng.integers(low, high + 1))
        centre = self.one.centre(first)
        low, high = self.other.between(centre - self.reach, centre + self.reach)
        if low > high:
            low, high = self.other.low, self.other.high
        return first, int(rng.integers(low, high + 1))

    def _near(self, still: _Room, moved: _Room) -> tuple[int, int]:
        return moved.between(still.earliest - self.reach, still.latest + self.reach)

    def _draw_apart(self, early: _Room, late: _Room, rng: np.random.Generator) -> tuple[int, int]:
        """Lays one clip before another, with a pause."""
        longest = late.latest - early.earliest - self.apart
        distance = self.apart + float(rng.uniform(0, max(0.0, min(self.gap, longest))))
        low, high = early.between(early.earliest, late.latest - distance)
        first = int(rng.integers(low, max(low, high) + 1))
        begin = early.centre(first) + distance
        return first, min(late.between(begin, late.latest)[0], late.high)
