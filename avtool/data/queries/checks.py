"""Checks of true segments and boxes: what makes no sense is refused, or with --fix dropped or cut."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from avtool.core.errors import BadInputError
from avtool.data.readers.video_queries import Window, as_number, brief

TimedPixelBox = tuple[float, float, float, float, float]
"""Seconds; x, y, width and height in pixels."""
_BOX = 5
_GAP = 1.5  # of the usual time between boxes: more is a missing frame


@dataclass
class WindowProblems:
    """Segments that make no sense.

    Attributes:
        fix: drop or cut them, instead of refusing them.
        dropped: how many were dropped.
        clipped: how many were cut.
        shown: the first messages.
    """

    fix: bool = False
    dropped: int = field(default=0, init=False)
    clipped: int = field(default=0, init=False)
    shown: list[str] = field(default_factory=list, init=False)

    def refuse(self, message: str) -> None:
        """Notes a problem.

        Raises:
            BadInputError: they are not fixed.
        """
        if not self.fix:
            raise BadInputError(message, "correct it, or drop or cut all such segments by --fix")
        self.shown.append(message)

    def window(self, start: Any, end: Any, where: str, empty: bool) -> Window | None:
        """A start before an end, in seconds; None is to be dropped.

        Args:
            start: as it was read.
            end: as it was read.
            where: its place, for messages.
            empty: whether one without a length is kept.

        Raises:
            BadInputError: it is no window, and they are not fixed.
        """
        first, last = as_number(start), as_number(end)
        if first is None or last is None:
            self.refuse(f"{where}: start and end are {brief(start)} and {brief(end)}, no finite numbers")
            return None
        if last < first or (last == first and not empty):
            self.refuse(f"{where} ends at {last:g} s and starts at {first:g} s")
            return None
        if first < 0:
            self.refuse(f"{where} starts at {first:g} s")
            if last <= 0:
                return None
            self.clipped += 1
        return max(first, 0.0), last


def checked_boxes(
    value: Any,
    frame_size: tuple[float, float] | None,
    where: str,
    problems: WindowProblems,
    step: float | None = None,
) -> tuple[TimedPixelBox, ...] | None:
    """Boxes in order of time, inside their frame and without a missing frame; None is to be dropped.

    Args:
        value: as it was read.
        frame_size: width and height.
        where: its place, for messages.
        problems: how wrong ones are treated.
        step: seconds of a frame; None is the shortest time between two boxes.

    Raises:
        BadInputError: some are wrong, and they are not fixed.
    """
    if value is None or value == []:
        return ()
    if not isinstance(value, list | tuple) or frame_size is None:
        what = brief(value) if frame_size else "there without `frame_size`"
        raise BadInputError(f"{where}: `boxes` is {what}", "a box is [seconds, x, y, width, height]")
    found: list[TimedPixelBox] = []
    for place, row in enumerate(value):
        numbers = [as_number(one) for one in row] if isinstance(row, list | tuple) else []
        box = [one for one in numbers if one is not None]
        if len(box) != _BOX or len(numbers) != _BOX or box[3] < 0 or box[4] < 0:
            problems.refuse(f"{where}: box {place} is {brief(row)}, no [seconds, x, y, width, height]")
            return None
        if found and box[0] <= found[-1][0]:
            problems.refuse(f"{where}: box {place} is at {box[0]:g} s, behind one at {found[-1][0]:g} s")
            return None
        found.append((box[0], *_inside(box[1:], frame_size, f"{where}: box {place}", problems)))
    return tuple(_contiguous(found, where, problems, step))


def _inside(
    box: Sequence[float], frame_size: tuple[float, float], where: str, problems: WindowProblems
) -> tuple[float, float, float, float]:
    """The part of a box in its frame; annotators go a pixel beyond it."""
    x, y, width, height = box
    wide, high = frame_size
    if x < -1 or y < -1 or x + width > wide + 1 or y + height > high + 1:
        problems.refuse(f"{where}, {list(box)}, is outside the frame of {wide:g} × {high:g}")
        problems.clipped += 1
    left, top = min(max(x, 0.0), wide), min(max(y, 0.0), high)
    right, bottom = min(max(x + width, 0.0), wide), min(max(y + height, 0.0), high)
    return left, top, right - left, bottom - top


def _contiguous(
    boxes: Sequence[TimedPixelBox], where: str, problems: WindowProblems, step: float | None
) -> Sequence[TimedPixelBox]:
    """All boxes, or, where frames are missing, those behind the last gap."""
    gaps = [after[0] - before[0] for before, after in pairwise(boxes)]
    if not gaps:
        return boxes
    usual = step or min(gaps)
    last = 0
    for place, gap in enumerate(gaps, start=1):
        if gap > _GAP * usual:
            problems.refuse(
                f"{where}: box {place} is {gap:g} s behind the one before, the others {usual:g} s: "
                "frames are missing"
            )
            last = place
    problems.clipped += last > 0
    return boxes[last:]
