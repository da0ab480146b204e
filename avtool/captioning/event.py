"""A sound event to be captioned, and what became of it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Cue

_LONGEST_S = 360_000


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """Something heard, as a tagger, a captioner or a person found it.

    Attributes:
        start, end: seconds of film time; equal for an instant.
        phrase: what is heard, without brackets: "door slams".
        score: how sure it is, 0 to 1.
        label: the class behind the phrase, if there is one.
        threshold: the score from which this event counted as detected, 0 to 1.
    """

    start: float
    end: float
    phrase: str
    score: float = 1.0
    label: str | None = None
    threshold: float = 0.5


class Rule(StrEnum):
    """What the writer did to an event; the values are the words of `film.cues.csv`."""

    KEPT = "kept"
    SHORTENED = "shortened"
    MERGED = "merged: same text"
    SUSTAINED = "sustained: shown at its onset"
    JOINED = "joined: two lines of one cue"
    TRIMMED = "trimmed"
    MOVED = "moved"
    ABOVE_DIALOGUE = "above dialogue"
    TOP = "top of frame"
    DELAYED = "delayed: still heard"
    REPEATED = "dropped: repeated"
    RESUMED = "dropped: resumed after a pause"
    DESCRIBED = "dropped: in the dialogue track already"
    CROWDED = "dropped: more than two at once"
    RATE = "dropped: rate"
    NO_ROOM = "dropped: no room"
    OUTSIDE = "dropped: outside the film"
    NO_TEXT = "dropped: no text"

    @property
    def drops(self) -> bool:
        """Whether the event has no cue of its own."""
        return self.value.startswith("dropped")


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an event.

    Attributes:
        event: as it was given.
        text: its text in the style of the captions, on one line.
        rules: those that were applied, in order.
        cue: the cue that shows it, its own or one that it shares; None if it was dropped.
    """

    event: SoundEvent
    text: str
    rules: tuple[Rule, ...]
    cue: Cue | None


@dataclass(frozen=True, slots=True)
class CaptionPlan:
    """Captions, and how each of them came about.

    Attributes:
        cues: sound cues and dialogue, in time order.
        sound: the sound cues among them; a dialogue cue with a sound line above it is none.
        decisions: one an event, in the order of their starts.
    """

    cues: tuple[Cue, ...]
    sound: tuple[Cue, ...]
    decisions: tuple[Decision, ...]

    @property
    def without_top(self) -> tuple[Cue, ...]:
        """The cues without the sound cues at the top of the frame, for formats that have no places."""
        skipped = {id(cue) for cue in self.sound if cue.top}
        return tuple(cue for cue in self.cues if id(cue) not in skipped)


def check_events(events: Iterable[SoundEvent]) -> list[SoundEvent]:
    """The events in the order of their starts.

    Raises:
        BadInputError: a time or a score is not a number, or out of range, or an event ends before it starts.
    """
    found = list(events)
    for number, event in enumerate(found, 1):
        where = f"event {number} (`{event.phrase:.60}`)"
        for name in ("start", "end", "score", "threshold"):
            value = getattr(event, name)
            if not math.isfinite(value):
                raise BadInputError(f"{where}: {name} is {value}", "give a finite number")
        if max(event.start, event.end) > _LONGEST_S:
            raise BadInputError(f"{where} ends at {event.end:g} s", "captions have times of up to 100 hours")
        if event.end < event.start:
            raise BadInputError(f"{where} ends at {event.end:g} s, before its start at {event.start:g} s")
        if not 0 <= event.score <= 1:
            raise BadInputError(f"{where}: score is {event.score:g}", "give a number from 0 to 1")
    return sorted(found, key=lambda event: (event.start, event.end, -event.score, event.phrase))
