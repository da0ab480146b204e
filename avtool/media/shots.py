"""Shots of films: the spans between cuts, found frame by frame in memory that does not grow with duration.

A cut is where the frame changes as a whole, far more than between the neighbouring frames, and stays
changed: fast motion changes the neighbouring steps too, and a flash returns. Dissolves and fades are none.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.media.probe import probe
from avtool.media.video_frames import Frame, iter_frames

_SHORT_SIDE = 48
_NEIGHBOURS = 2
"""Steps on either side that a cut is compared with."""
_FPS = 25.0
"""Of a film of one frame whose rate is not known."""
_STAYS = 0.5
"""Of a cut's step: frames two steps apart across it that differ less are those around a flash."""


class ShotRecipe(Recipe):
    """What counts as a cut."""

    step: float = option(
        12.0, "Least mean change of a cut, in grey levels of 255.", flag="--step", gt=0, le=255
    )
    ratio: float = option(
        3.0, "Least ratio of a cut's change to that of its neighbours.", flag="--ratio", ge=1
    )
    min_seconds: float = option(
        0.2, "Least duration of a shot in seconds; cuts that follow sooner are skipped.", ge=0
    )


@dataclass(frozen=True)
class Shot:
    """A shot.

    Attributes:
        start, end: film times in seconds; the next one starts at its end.
        change: mean change of the cut that it starts with, in grey levels; 0 of a film's first.
    """

    start: float
    end: float
    change: float


def iter_shots(path: Path, recipe: ShotRecipe, reporter: Reporter | None = None) -> Iterator[Shot]:
    """The shots of a film in order; together they cover it.

    Args:
        path: the film.
        recipe: what counts as a cut.
        reporter: gets warnings of damaged frames.

    Raises:
        BadInputError: it has no video, or no frame can be decoded.
    """
    cuts = _CutFinder(recipe)
    start, change, last, before = None, 0.0, 0.0, 0.0
    for time, frame in iter_frames(path, size=_SHORT_SIDE, reporter=reporter):
        before, last = (time if start is None else last), time
        start = time if start is None else start
        found = cuts.push(time, frame)
        if found is not None and found[0] - start >= recipe.min_seconds:
            yield Shot(start, found[0], change)
            start, change = found
    if start is not None:
        yield Shot(start, last + ((last - before) or 1 / (probe(path).fps or _FPS)), change)


class _CutFinder:
    """Finds cuts in frames that come one by one; those of a film's first and last two frames are not found.

    Args:
        recipe: what counts as a cut.
    """

    def __init__(self, recipe: ShotRecipe) -> None:
        self._recipe = recipe
        self._frames: deque[tuple[float, Frame]] = deque(maxlen=2 * _NEIGHBOURS + 2)
        self._steps: deque[float] = deque(maxlen=2 * _NEIGHBOURS + 1)

    def push(self, time: float, frame: Frame) -> tuple[float, float] | None:
        """Takes the next frame; gives the time and the change of a cut a few frames before it, or None."""
        if self._frames:
            self._steps.append(_change(self._frames[-1][1], frame))
        self._frames.append((time, frame))
        if len(self._steps) < 2 * _NEIGHBOURS + 1:
            return None
        step = self._steps[_NEIGHBOURS]
        others = sum(self._steps) - step
        if step < self._recipe.step or step < self._recipe.ratio * others / (2 * _NEIGHBOURS):
            return None
        (_, last), (time, first) = self._frames[_NEIGHBOURS], self._frames[_NEIGHBOURS + 1]
        stays = min(_change(last, frame), _change(self._frames[0][1], first))
        return (time, step) if stays >= _STAYS * step else None


def _change(before: Frame, after: Frame) -> float:
    """The mean absolute difference of two frames, in grey levels."""
    return float(np.abs(after.astype(np.int16) - before).mean())
