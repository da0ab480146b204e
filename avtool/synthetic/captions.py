"""Captions of a script for the deaf and hard of hearing, in the styles of different houses.

Timing follows the published practice: a cue comes within a few frames of its sound, stays 5/6 to 7 seconds,
and ends when it has been read rather than when the sound ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pysubs2

from avtool.core.errors import BadInputError
from avtool.core.files import write_text
from avtool.core.registry import nearest_hint
from avtool.media.captions import writing
from avtool.media.captions.cue import Cue
from avtool.synthetic.script import Event, Script, Trap, Utterance
from avtool.synthetic.synthesis import Rng

_SHORTEST, _LONGEST = 5 / 6, 7.0
_GAP = 2 / 24
_LINE_LENGTH = 42
_TOGETHER = 0.25  # two things that start within this many seconds share a cue
_SHARED_BY_TWO = 3.5  # two speakers share a cue of at most this many seconds
_READING_RATE = 17.0  # characters a second


@dataclass(frozen=True, slots=True)
class CaptionStyle:
    """How a house writes what is not dialogue.

    Attributes:
        brackets: what stands around a sound, ("", "") for none.
        capitals: whether sounds are in capital letters.
        note: what stands at both ends of a sung line.
        speaker: a template of a speaker's name before a line.
        bare_music: whether music without words is only notes.
    """

    brackets: tuple[str, str]
    capitals: bool
    note: str
    speaker: str
    bare_music: bool = False

    def bracketed(self, text: str) -> str:
        """A sound, a manner of speaking or a legend as this house writes it."""
        return f"{self.brackets[0]}{text.upper() if self.capitals else text}{self.brackets[1]}"


STYLES = {
    "netflix": CaptionStyle(("[", "]"), capitals=False, note="♪", speaker="[{name}]"),
    "disc": CaptionStyle(("(", ")"), capitals=True, note="♪", speaker="{name}:"),
    "bbc": CaptionStyle(("", ""), capitals=True, note="#", speaker="{name}:"),
    "notes": CaptionStyle(("[", "]"), capitals=False, note="♪", speaker="{name}:", bare_music=True),
}
"""`netflix` (lower case in brackets), `disc` (capitals in parentheses), `bbc` (bare capitals, songs between
number signs), `notes` (as netflix, but music without words is only notes)."""


def style_named(name: str) -> CaptionStyle:
    """A style of `STYLES`.

    Raises:
        BadInputError: there is none of this name.
    """
    if name not in STYLES:
        raise BadInputError(
            f"no caption style is called `{name}`", nearest_hint(name, list(STYLES), "avtool demo")
        )
    return STYLES[name]


@dataclass(frozen=True, slots=True)
class _Item:
    """A cue before it is timed: start and duration of its event, in seconds, and its lines.

    `kind` decides what may share a cue with it: `line` is a whole line of dialogue.
    """

    start: float
    seconds: float
    lines: tuple[str, ...]
    kind: Literal["sound", "line", "other"] = "other"

    @property
    def end(self) -> float:
        return self.start + self.seconds


def _wrap(text: str) -> tuple[str, ...]:
    """One or two lines, broken at the space nearest to the middle."""
    if len(text) <= _LINE_LENGTH:
        return (text,)
    middle = min((i for i, c in enumerate(text) if c == " "), key=lambda i: abs(i - len(text) / 2))
    return (text[:middle], text[middle + 1 :])


def _event_item(event: Event, style: CaptionStyle) -> _Item:
    bare = event.kind == "music" and style.bare_music
    line = 2 * style.note if bare else style.bracketed(event.tag)
    return _Item(event.start, min(event.end - event.start, _LONGEST / 2), (line,), "sound")


def _utterance_items(line: Utterance, style: CaptionStyle) -> list[_Item]:
    """The cues of an utterance; one that is too long to read in one cue becomes two."""
    if line.foreign:
        return []  # the event "speaking French" stands for it
    text = f"{style.note} {line.text} {style.note}" if line.sung else line.text
    if line.speaker:
        text = f"{style.speaker.format(name=line.speaker if style.capitals else line.speaker.title())} {text}"
    elif line.manner:
        # The bare-capitals house has no brackets to put a manner in: it uses parentheses for it.
        manner = style.bracketed(line.manner) if style.brackets[0] else f"({line.manner})"
        text = f"{manner} {text}"
    seconds = line.end - line.start
    if len(text) <= 2 * _LINE_LENGTH and seconds <= _LONGEST:
        return [_Item(line.start, seconds, _wrap(text), "other" if line.sung else "line")]
    words = text.split()
    half = len(words) // 2
    return [
        _Item(line.start, seconds / 2, _wrap(" ".join(words[:half]))),
        _Item(line.start + seconds / 2, seconds / 2, _wrap(" ".join(words[half:]))),
    ]


def _legend_item(trap: Trap, style: CaptionStyle) -> _Item:
    brackets = style.brackets if style.brackets[0] else ("[", "]")
    return _Item(trap.start, 2.0, (f"{brackets[0]}{trap.text}{brackets[1]}",))


def _merged(items: list[_Item]) -> list[_Item]:
    """Shares cues: two short lines of two speakers, or a sound and the line that begins with it."""
    merged: list[_Item] = []
    for item in items:
        last = merged[-1] if merged else None
        if last is None:
            merged.append(item)
            continue
        both = max(item.end, last.end) - last.start
        if last.kind == item.kind == "line":
            fits = len(last.lines) == len(item.lines) == 1 and both < _SHARED_BY_TWO
            lines = tuple(f"-{line}" for line in last.lines + item.lines)
        else:
            fits = item.start - last.start < _TOGETHER and len(last.lines) + len(item.lines) <= 3
            # The sound comes first: behind the words it would be read when they are over.
            lines = item.lines + last.lines if item.kind == "sound" else last.lines + item.lines
        if fits:
            merged[-1] = _Item(last.start, both, lines)
        else:
            merged.append(item)
    return merged


def captions_of(
    script: Script, style: CaptionStyle, rng: Rng, jitter: float = 0.1, lead: float = 0.03
) -> list[Cue]:
    """The captions of a script, in film time.

    Args:
        script: the film.
        style: how sounds are written.
        rng: where the timing errors come from.
        jitter: standard deviation of a cue's start, in seconds (cut off at three of them).
        lead: how much earlier than its sound a cue comes on average, in seconds.
    """
    items = [_event_item(event, style) for event in script.events if event.kind != "song"]
    for line in script.utterances:
        items.extend(_utterance_items(line, style))
    items.extend(_legend_item(trap, style) for trap in script.traps if trap.kind == "on-screen text")
    items = _merged(sorted(items, key=lambda item: item.start))

    cues: list[Cue] = []
    for item in items:
        error = min(max(rng.normal(-lead, jitter), -lead - 3 * jitter), -lead + 3 * jitter)
        start = max(item.start + error, 0.0)
        reading = sum(len(line) for line in item.lines) / _READING_RATE
        # How long a cue stays is no measure of its sound: that is so in real captions too.
        wanted = max(item.seconds * rng.uniform(0.6, 1.2), reading) + rng.uniform(0, 0.5)
        end = start + min(max(wanted, _SHORTEST), _LONGEST)
        cues.append(Cue(round(start * 1000), round(end * 1000), item.lines))
    return _without_collisions(sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms)))


def _without_collisions(cues: list[Cue]) -> list[Cue]:
    """Ends a cue two frames before the next one where it has been shown long enough; else they overlap."""
    clean = []
    for cue, following in pairwise(cues):
        end_ms = min(cue.end_ms, following.start_ms - round(1000 * _GAP))
        long_enough = end_ms - cue.start_ms >= 1000 * _SHORTEST
        clean.append(replace(cue, end_ms=end_ms) if long_enough else cue)
    return clean + cues[-1:]


CaptionFormat = Literal["srt", "vtt", "ass", "ttml"]


def write_captions(path: Path, cues: Sequence[Cue], format_name: CaptionFormat) -> None:
    """Writes a caption file in UTF-8."""
    if format_name in writing.FORMATS:
        writing.write_captions(cues, path, format=format_name)
        return
    document = pysubs2.SSAFile()
    for cue in cues:
        event = pysubs2.SSAEvent(start=cue.start_ms, end=cue.end_ms)
        event.plaintext = cue.text
        document.append(event)
    write_text(path, document.to_string(format_name))
