"""SBV and SubViewer (`start,end` on a line of its own) and Spruce STL (`start , end , text` in frames)."""

import re
from fractions import Fraction

from avtool.media.captions.cue import RawCue
from avtool.media.captions.draft import Draft
from avtool.media.captions.markup import plain_subrip
from avtool.media.captions.time_line import CLOCK, milliseconds

_TIMES = re.compile(rf"\s*{CLOCK.format('a')}\s*,\s*{CLOCK.format('b')}\s*$")
_DAMAGED_TIMES = re.compile(r"\s*\d{1,2}:\S*,\d{1,2}:\S*\s*$")
_TAG_LINE = re.compile(r"\s*\[(?!br\])[A-Z][A-Z ]*\]", re.IGNORECASE)
_HARD_BREAK = re.compile(r"\[br\]", re.IGNORECASE)
_FRAME_CLOCK = r"(\d\d):(\d\d):(\d\d)[:;.](\d\d)"
_SPRUCE_LINE = re.compile(rf"\s*{_FRAME_CLOCK}\s*,\s*{_FRAME_CLOCK}\s*,(.*)")
_SPRUCE_STYLE = re.compile(r"\^[BIU]")


def read(text: str, draft: Draft) -> None:
    """Reads SBV (YouTube) and SubViewer; the latter's header and style lines are skipped."""
    cue: RawCue | None = None
    lines: list[str] = []
    in_header = draft.format == "subviewer"
    for line_number, line in enumerate(text.split("\n"), 1):
        found = _TIMES.match(line)
        if found or _DAMAGED_TIMES.match(line):
            _add(cue, lines, draft)
            cue, lines, in_header = None, [], False
            if found:
                cue = RawCue(milliseconds(found, "a"), milliseconds(found, "b"), ())
            else:
                draft.unreadable(line_number, line)
        elif not (in_header and _TAG_LINE.match(line)):
            lines.append(_HARD_BREAK.sub("\n", line))
    _add(cue, lines, draft)


def _add(cue: RawCue | None, lines: list[str], draft: Draft) -> None:
    if cue is None:
        return
    plain = plain_subrip("\n".join(lines))
    cue.lines, cue.italic = plain.lines, plain.italic
    draft.add(cue)


def read_spruce(text: str, draft: Draft) -> None:
    """Reads Spruce STL. It counts frames without a rate: 25 per second, or 30 if a count needs it."""
    rows = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    found_rows = [(number, line, _SPRUCE_LINE.match(line)) for number, line in rows]
    frames = [int(found[group]) for _, _, found in found_rows if found for group in (4, 8)]
    fps = Fraction(draft.fps or (30 if max(frames, default=0) >= 25 else 25)).limit_denominator(1001)
    if not draft.fps:
        draft.count(f"frame rate taken as {fps}")
    italic = False
    for line_number, line, found in found_rows:
        if found:
            plain = plain_subrip(_SPRUCE_STYLE.sub("", found[9]).replace("|", "\n"))
            is_italic = plain.italic or italic or found[9].strip().startswith("^I")
            start_ms, end_ms = _frame_time(found.groups()[:4], fps), _frame_time(found.groups()[4:8], fps)
            draft.add(RawCue(start_ms, end_ms, plain.lines, is_italic))
        elif line.lstrip().startswith("$Italic"):
            italic = line.rpartition("=")[2].strip().lower() == "true"
        elif not line.lstrip().startswith(("$", "//")):
            draft.unreadable(line_number, line)


def _frame_time(clock: tuple[str, ...], fps: Fraction) -> int:
    hours, minutes, seconds, frames = map(int, clock)
    return round(1000 * (hours * 3600 + minutes * 60 + seconds + frames / fps))
