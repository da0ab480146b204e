"""Windows of a film around the segments of a query, and the order in which queries are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.int64]
Shares = tuple[float, float, float, float]
"""Of foreground, left-truncated, right-truncated and background windows."""
SHORTEST = 8
"""Frames of a background window, or of a crop, at least, where the film has them."""
_Ranges = list[tuple[int, int]]


@dataclass(frozen=True)
class Window:
    """Frames of a film.

    Attributes:
        start: the first one.
        length: of them.
    """

    start: int
    length: int

    def inside(self, segments: Frames) -> Frames:
        """The parts of segments in it, (K, 2) first and last frame counted from its own; none may be left."""
        clipped = np.stack(
            [
                np.maximum(segments[:, 0] - self.start, 0),
                np.minimum(segments[:, 1] - self.start, self.length - 1),
            ],
            axis=1,
        )
        return clipped[clipped[:, 1] >= clipped[:, 0]]


def draw_window(segments: Frames, frames: int, size: int, shares: Shares, rng: np.random.Generator) -> Window:
    """A window for a query: its type, then its place, among those that the film allows.

    Foreground: a segment lies in it. Left-truncated: one begins before it and ends in it. Right-truncated:
    one begins in it and ends after it. Background: no segment of the query touches it; it is shorter where
    the film has no gap of its size. A type that the film has no window of is drawn again; where it has none
    of any type with a share, any type is drawn.

    Args:
        segments: (K, 2) first and last frame of each segment of the query; K is 0 where the film has none.
        frames: of the film.
        size: frames of a window; a shorter film is one.
        shares: probabilities of the types, in proportion.
        rng: draws.
    """
    size = min(size, frames)
    around: tuple[_Ranges, _Ranges, _Ranges] = ([], [], [])
    if len(segments):
        around = _around(segments[rng.integers(len(segments))], frames, size)
    places, gap = [*around, _free_places(segments, frames, size)], _longest_gap(segments, frames)
    there = np.array([bool(ranges) for ranges in places])
    there[3] |= gap.length >= SHORTEST
    weights = np.where(there, shares, 0.0)
    if weights.sum() == 0:
        weights = there.astype(float)
    kind = int(rng.choice(len(places), p=weights / weights.sum()))
    return Window(_draw(places[kind], rng), size) if places[kind] else gap


def crop_window(window: Window, segments: Frames, rng: np.random.Generator) -> Window:
    """A part of a window that keeps what it has of the query's segments; all of it where it has none."""
    inside = window.inside(segments)
    if not len(inside):
        return window
    first, last = int(inside[:, 0].min()), int(inside[:, 1].max())
    start = int(rng.integers(0, first + 1))
    end = int(rng.integers(last + 1, window.length + 1))
    least = min(SHORTEST, window.length)
    if end - start < least:
        start = min(start, window.length - least)
        end = max(end, start + least)
    return Window(window.start + start, end - start)


def _around(segment: Frames, frames: int, size: int) -> tuple[_Ranges, _Ranges, _Ranges]:
    """Starts of foreground, left-truncated and right-truncated windows of a segment, in ranges."""
    first, last, final = int(segment[0]), int(segment[1]), frames - size
    return (
        _range(max(0, last - size + 1), min(first, final)),
        _range(max(first + 1, last - size + 1), min(last, final)),
        _range(max(0, first - size + 1), min(first, last - size, final)),
    )


def _range(low: int, high: int) -> _Ranges:
    return [(low, high)] if low <= high else []


def _gaps(segments: Frames, frames: int) -> _Ranges:
    """The first and last frame of each part of the film without a segment."""
    found, free = [], 0
    for first, last in segments[np.argsort(segments[:, 0], kind="stable")].tolist():
        if first > free:
            found.append((free, first - 1))
        free = max(free, last + 1)
    return found + ([(free, frames - 1)] if free < frames else [])


def _free_places(segments: Frames, frames: int, size: int) -> _Ranges:
    return [(low, high - size + 1) for low, high in _gaps(segments, frames) if high - low + 1 >= size]


def _longest_gap(segments: Frames, frames: int) -> Window:
    gaps = _gaps(segments, frames) or [(0, -1)]
    low, high = max(gaps, key=lambda gap: gap[1] - gap[0])
    return Window(low, high - low + 1)


def _draw(ranges: _Ranges, rng: np.random.Generator) -> int:
    """A number in one of several ranges, each number alike."""
    counts = np.array([high - low + 1 for low, high in ranges])
    place = int(rng.integers(counts.sum()))
    row = int(np.searchsorted(counts.cumsum(), place, side="right"))
    return ranges[row][0] + place - int(counts[:row].sum())


def plan_epoch(
    by_kind: Mapping[str, Sequence[int]], samples: int, power: float, rng: np.random.Generator
) -> Frames:
    """The queries of an epoch's samples: the kind first, in proportion to its size to a power.

    Each kind has its share of the samples to the next whole one, and its queries come in turn, in an order
    drawn for the epoch, so that each comes as often as the others of its kind.

    Args:
        by_kind: the queries of each kind, by number.
        samples: of an epoch.
        power: 1 draws queries alike, 0 kinds; 0.5 is the square root.
        rng: of the epoch.

    Returns:
        (samples,) numbers of queries.
    """
    kinds = [kind for kind, queries in by_kind.items() if queries]
    weights = np.array([float(len(by_kind[kind])) ** power for kind in kinds])
    wanted = samples * weights / weights.sum()
    counts = np.floor(wanted).astype(np.int64)
    rest = wanted - counts
    if missing := samples - int(counts.sum()):
        chosen = rng.choice(len(kinds), missing, replace=False, p=rest / rest.sum())
        counts[chosen] += 1
    found = []
    for kind, count in zip(kinds, counts.tolist(), strict=True):
        queries = np.array(by_kind[kind], np.int64)
        turns = [rng.permutation(queries) for _ in range(-(-count // len(queries)))]
        found.append(np.concatenate([*turns, queries[:0]])[:count])
    return rng.permutation(np.concatenate(found))
