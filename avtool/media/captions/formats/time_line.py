"""The line `00:00:01,000 --> 00:00:02,000` of SubRip and WebVTT, in all the shapes people write it."""

import re
from typing import NamedTuple

CLOCK = (
    r"(?P<{0}sign>-?)(?:(?:(?P<{0}h>\d{{1,4}}):)?(?P<{0}m>\d{{1,4}}):)?(?P<{0}s>\d{{1,4}})"
    r"(?:[.,](?P<{0}f>\d{{1,9}}))?"
)
"""A clock time with optional hours and minutes; `{0}` sets two of them in one pattern apart."""
_START = re.compile(rf"\s*{CLOCK.format('a')}\s*-{{1,2}}>")
_SETTING = "(?:vertical|line|position|size|align|region):"  # WebVTT's, which may follow without a space
_END = re.compile(rf"\s*{CLOCK.format('b')}(?=$|\s|{_SETTING})")
_NUMBERS = re.compile(r"\d[:.,]\d")


class TimeLine(NamedTuple):
    """When a cue is shown; a time that cannot be read is None. `rest` holds the cue settings."""

    start_ms: int | None
    end_ms: int | None
    rest: str = ""


def parse_time_line(line: str) -> TimeLine | None:
    """The times of a time line, or None if the line is none.

    A line is one if it has an arrow and a number such as `1:02` or `2.5`: dialogue has arrows too
    ("Press A --> B").
    """
    if "->" not in line:
        return None
    start = _START.match(line)
    if start is None:
        is_damaged = "-->" in line and _NUMBERS.search(line)
        return TimeLine(None, None) if is_damaged else None
    end = _END.match(line, start.end())
    if end is None:
        has_numbers = _NUMBERS.search(line)
        return TimeLine(milliseconds(start, "a"), None) if has_numbers else None
    return TimeLine(milliseconds(start, "a"), milliseconds(end, "b"), line[end.end() :].strip())


def milliseconds(found: re.Match[str], side: str = "a") -> int:
    """The time of the groups h, m, s and f: `f` is a decimal fraction, however many digits it has."""
    hours, minutes, seconds = (int(found[side + unit] or 0) for unit in "hms")
    fraction = int((found[side + "f"] or "0").ljust(3, "0")[:4].ljust(4, "0"))
    total = (hours * 3600 + minutes * 60 + seconds) * 1000 + (fraction + 5) // 10
    return -total if found[side + "sign"] else total
