"""The rules of a style as a checker of sound captions, whoever wrote them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from avtool.captioning.merging import milliseconds, reading_ms
from avtool.captioning.style import CaptionStyle
from avtool.captioning.text import proper_text
from avtool.media.captions.cue import Cue

_ROUNDING_MS = 1
"""Frames are no whole milliseconds: times in files are rounded."""


class Fault(StrEnum):
    """What a caption may do against its style."""

    LINES = "too many lines"
    LINE_LENGTH = "line too long"
    FORM = "not in the style's form"
    SHORT = "shown too briefly"
    LONG = "shown too long"
    SPEED = "too fast to read"
    ORDER = "out of order"
    OVERLAP = "overlap"
    GAP = "gap too short"
    RATE = "too many cues"
    OUTSIDE = "outside the film"


@dataclass(frozen=True, slots=True)
class Violation:
    """A fault, the number of the cue that has it (from 0), and what was measured."""

    fault: Fault
    cue: int
    message: str


def violations(
    cues: Sequence[Cue],
    style: CaptionStyle,
    dialogue: Sequence[Cue] = (),
    duration: float | None = None,
    language: str = "en",
) -> list[Violation]:
    """All faults of sound cues.

    Args:
        cues: the sound cues alone, in the order of the file.
        style: the rules.
        dialogue: the other cues of the file; their own faults are not counted.
        duration: seconds of film, or None.
        language: of the captions (BCP 47).
    """
    film_ms = None if duration is None else milliseconds(duration)
    found = [
        fault for number, cue in enumerate(cues) for fault in _alone(number, cue, style, film_ms, language)
    ]
    found += _together(cues, style)
    found += _beside(cues, dialogue, style)
    return sorted(found, key=lambda violation: violation.cue)


def _alone(
    number: int, cue: Cue, style: CaptionStyle, film_ms: int | None, language: str
) -> Iterator[Violation]:
    chars, shown_ms = sum(map(len, cue.lines)), cue.end_ms - cue.start_ms
    if len(cue.lines) > style.max_lines:
        yield Violation(Fault.LINES, number, f"{len(cue.lines)} lines, {style.max_lines} at most")
    longest = max(map(len, cue.lines), default=0)
    if longest > style.max_chars:
        yield Violation(Fault.LINE_LENGTH, number, f"{longest} characters, {style.max_chars} at most")
    if not has_form(cue, style, language):
        yield Violation(Fault.FORM, number, f"`{' '.join(cue.lines):.100}`")
    if shown_ms < 1000 * style.min_duration - _ROUNDING_MS:
        yield Violation(Fault.SHORT, number, f"{shown_ms / 1000:g} s, at least {style.min_duration:.3f} s")
    elif shown_ms < reading_ms(chars, style) - _ROUNDING_MS:
        rate = 1000 * chars / shown_ms
        yield Violation(Fault.SPEED, number, f"{rate:.1f} characters a second, {style.cps:g} at most")
    if shown_ms > 1000 * style.max_duration + _ROUNDING_MS:
        yield Violation(Fault.LONG, number, f"{shown_ms / 1000:g} s, {style.max_duration:g} s at most")
    if cue.start_ms < 0 or (film_ms is not None and cue.end_ms > film_ms):
        yield Violation(Fault.OUTSIDE, number, f"ends at {cue.end_ms / 1000:g} s")


def has_form(cue: Cue, style: CaptionStyle, language: str = "en") -> bool:
    """Whether a cue is one or more captions in the style's form: brackets, case, no full stop."""
    text = " ".join(cue.lines)
    if not style.opening or not style.closing:
        phrases, rest = [" ".join(cue.lines)], ""
    else:
        opening, closing = re.escape(style.opening), re.escape(style.closing)
        pattern = re.compile(f"{opening}(.*?){closing}")
        phrases, rest = pattern.findall(text), pattern.sub("", text)
    is_bracketed = bool(phrases) and not rest.strip()
    return is_bracketed and all(
        phrase and proper_text(phrase, style, language) == phrase for phrase in phrases
    )


def _together(cues: Sequence[Cue], style: CaptionStyle) -> Iterator[Violation]:
    """Faults of sound cues among each other."""
    for number, (before, cue) in enumerate(pairwise(cues), 1):
        if cue.start_ms < before.start_ms:
            yield Violation(Fault.ORDER, number, f"starts at {cue.start_ms / 1000:g} s, before the cue above")
        elif cue.start_ms < before.end_ms:
            yield Violation(Fault.OVERLAP, number, f"starts {before.end_ms - cue.start_ms} ms too early")
        elif (gap_ms := cue.start_ms - before.end_ms) < style.gap_ms - _ROUNDING_MS and cue.top == before.top:
            yield Violation(Fault.GAP, number, f"{gap_ms} ms, {style.gap_ms} ms at least")
        elif cue.start_ms - before.start_ms < 1000 * style.interval - _ROUNDING_MS:
            interval = (cue.start_ms - before.start_ms) / 1000
            yield Violation(
                Fault.RATE, number, f"{interval:g} s after the last, {style.interval:g} s at least"
            )
    for number, (first, last) in enumerate(
        zip(cues, cues[style.per_minute :], strict=False), style.per_minute
    ):
        if 0 <= last.start_ms - first.start_ms < 60_000 - _ROUNDING_MS:
            yield Violation(Fault.RATE, number, f"over {style.per_minute} cues in a minute")


def _beside(cues: Sequence[Cue], dialogue: Sequence[Cue], style: CaptionStyle) -> Iterator[Violation]:
    """Faults of sound cues among dialogue at the same height."""
    spoken = sorted(dialogue, key=lambda cue: cue.start_ms)
    first = 0
    last_end = [0]  # the latest end of the dialogue up to each cue, to find where to begin
    for cue in spoken:
        last_end.append(max(last_end[-1], cue.end_ms))
    for number, cue in sorted(enumerate(cues), key=lambda pair: pair[1].start_ms):
        while first < len(spoken) and last_end[first + 1] <= cue.start_ms - style.gap_ms:
            first += 1
        for other in spoken[first:]:
            if other.start_ms >= cue.end_ms + style.gap_ms:
                break
            gap_ms = max(other.start_ms - cue.end_ms, cue.start_ms - other.end_ms)
            if other.top != cue.top or gap_ms >= style.gap_ms - _ROUNDING_MS:
                continue
            what = "overlaps dialogue by" if gap_ms < 0 else "dialogue is only"
            away = "" if gap_ms < 0 else " away"
            fault = Fault.OVERLAP if gap_ms < 0 else Fault.GAP
            yield Violation(fault, number, f"{what} {abs(gap_ms)} ms{away}, at {other.start_ms / 1000:g} s")
            break
