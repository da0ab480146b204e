"""The line `00:00:01,000 --> 00:00:02,000` of SubRip and WebVTT, in all the shapes people write it."""

import re
import unicodedata
from typing import NamedTuple

CLOCK = (
    r"(?P<{0}sign>-?)(?:(?:(?P<{0}h>\d{{1,4}})[ \t]?[:;][ \t]?)?(?P<{0}m>\d{{1,4}})[ \t]?[:;][ \t]?)?"
    r"(?P<{0}s>\d{{1,4}})(?:[ \t]?[.,'’´`·_][ \t]?(?P<{0}f>\d{{3}}[.,]\d{{1,20}}|\d{{1,9}})"
    r"|(?<=[:;]\d\d)[:;](?P<{0}c>\d{{2,3}})|[ \t](?P<{0}g>\d{{3}})(?!\d))?"
)
"""A clock time with optional hours and minutes; `{0}` sets two of them in one pattern apart.

Group f is a decimal fraction of a second, g its three digits after a space, and c what stands behind a third
colon: milliseconds, or frames where there are two digits.
"""
FRAMES_PER_SECOND = 25
"""What frames behind a third colon are counted by; the file does not state it."""
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d\d)\.(\d\d)(?=[.,]\d)")  # 00.00.01,249
_ARROW = re.compile(r"[-\u2010-\u2015\u2212=]{1,3}(?: -)?[ \t]?>|[\u2192\u27f6\u21d2\u279c\u27a1]")
_START = re.compile(rf"\s*{CLOCK.format('a')}\s*$")
_SETTING = "(?:vertical|line|position|size|align|region):"  # WebVTT's, which may follow without a space
_END = re.compile(rf"\s*{CLOCK.format('b')}(?=$|\s|{_SETTING})")
_ARROW_SIGNS = frozenset(">\u2192\u27f6\u21d2\u279c\u27a1\uff1e")
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
    if _ARROW_SIGNS.isdisjoint(line):
        return None
    if not line.isascii():
        line = unicodedata.normalize("NFKC", line)  # full-width digits, colons and arrows
    arrow = _ARROW.search(line)
    if arrow is None:
        return None
    before, after = (_DOTTED.sub(r"\1:\2:\3", half) for half in (line[: arrow.start()], line[arrow.end() :]))
    is_usual = arrow[0] in ("-->", "->", "- ->")
    start, end = _START.match(before), _END.match(after)
    if start is None or not (is_usual or (_NUMBERS.search(before) and _NUMBERS.search(after))):
        is_damaged = arrow[0] == "-->" and _NUMBERS.search(line)
        return TimeLine(None, None) if is_damaged else None
    if end is None:
        return TimeLine(milliseconds(start, "a"), None) if _NUMBERS.search(line) else None
    return TimeLine(milliseconds(start, "a"), milliseconds(end, "b"), after[end.end() :].strip())


def milliseconds(found: "re.Match[str]", side: str = "a") -> int:
    """The time of the groups of `CLOCK`: a fraction is decimal, however many digits it has."""
    hours, minutes, seconds = (int(found[side + unit] or 0) for unit in "hms")
    colon = found[side + "c"] or ""
    last, has_fraction = found[side + "s"], found[side + "f"] or found[side + "g"] or colon
    if len(last) == 3 and found[side + "h"] and not has_fraction:  # 00:01:249 without hours
        hours, minutes, seconds, colon = 0, hours, minutes, last
    digits = (found[side + "f"] or found[side + "g"] or (colon if len(colon) == 3 else "")).replace(",", ".")
    fraction = int((digits.replace(".", "") or "0").ljust(3, "0")[:4].ljust(4, "0"))
    total = (hours * 3600 + minutes * 60 + seconds) * 1000 + (fraction + 5) // 10
    if len(colon) == 2:
        total += round(1000 * int(colon) / FRAMES_PER_SECOND)
    return -total if found[side + "sign"] else total
