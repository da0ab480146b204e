"""A film on paper: what is heard and seen when. It is the ground truth of everything made from it."""

from dataclasses import dataclass
from typing import Literal

EventKind = Literal["sound", "music", "song", "speech"]
TrapKind = Literal["speaker", "manner", "on-screen text", "parenthesis", "hashtag", "narrator"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a caption names as a sound.

    Attributes:
        start, end: seconds of film time; the sound is audible from `start` on.
        kind: `sound` for a clip of the sound bank, `music` for a bed, `song` for a sung line, `speech` for
            speech in a language that the captions only name ("speaking French").
        label: the class, as the sound bank calls it.
        variant: which sound of the class it is.
        gain_db: level of its peak, in dBFS.
        tag: the caption text without brackets.
        sound, source, quality: the lemmas in the tag, "" where there is none.
        place: where it is seen, as shares of the frame's width and height.
        heading: where it moves while it sounds: -1 to the left, 1 to the right.
    """

    start: float
    end: float
    kind: EventKind
    label: str
    variant: int
    gain_db: float
    tag: str
    sound: str
    source: str
    quality: str
    place: tuple[float, float] = (0.5, 0.5)
    heading: int = 1


@dataclass(frozen=True, slots=True)
class Utterance:
    """Somebody speaks or sings.

    Attributes:
        start, end: seconds of film time.
        text: the words, without any label.
        voice: index of the voice in the speech bank.
        take: which reading of the text it is.
        speaker: the name that the caption puts before the text, or "".
        manner: of speech, as the caption puts it before the text ("softly"), or "".
        sung: whether the captions mark it as a lyric.
        foreign: the language, when the captions name only that ("French"), or "".
    """

    start: float
    end: float
    text: str
    voice: int
    take: int
    speaker: str = ""
    manner: str = ""
    sung: bool = False
    foreign: str = ""


@dataclass(frozen=True, slots=True)
class Trap:
    """Caption text that looks like a sound to a careless reader and is none."""

    start: float
    kind: TrapKind
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """A segment of film in one place.

    Attributes:
        start, end: seconds of film time.
        hue: of the set, 0 to 1.
        cast: the voices that speak in it.
        legend: text shown on screen at its start ("LONDON, 1942"), or "".
    """

    start: float
    end: float
    hue: float
    cast: tuple[int, int]
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """A whole film on paper, every list in time order."""

    title: str
    seconds: float
    scenes: tuple[Scene, ...]
    utterances: tuple[Utterance, ...]
    events: tuple[Event, ...]
    traps: tuple[Trap, ...]
