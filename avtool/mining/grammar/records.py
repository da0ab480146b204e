"""The results of the cue grammar."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from avtool.mining.sound_tag import SoundTag

TagFunction = Callable[[str], SoundTag]
TagKind = Literal["bracket", "music", "lyric", "caps"]
PieceKind = Literal["dialogue", "tag", "label", "noise"]
TimeSource = Literal["cue", "word", "interpolated"]
TakenFor = Literal["on-screen text", "lyrics", "label", "dialogue", "noise"]
CapsStyle = Literal["auto", "on", "off"]
CaptionStyle = Literal["brackets", "caps", "bbc", "music", "plain"]


@dataclass(frozen=True, slots=True)
class DialogueSpan:
    """Words that somebody speaks, and when they are shown.

    Attributes:
        start_ms, end_ms: milliseconds of caption time.
        text: the words on one line, without labels, tags and manner.
        speaker: the name in the label; "1", "2", … where hyphens only mark a change of speaker; or "".
    """

    start_ms: int
    end_ms: int
    text: str
    speaker: str


@dataclass(frozen=True, slots=True)
class RawTag:
    """One sound as captioned, not yet labelled.

    Attributes:
        text: what the tagger reads: lower case, no brackets, no notes, one line.
        raw: the characters of the caption, brackets included.
        cue_index: the cue that the tag begins in.
        start_ms, end_ms: milliseconds of caption time.
        char_share: the share of the cue's dialogue that stands before the tag, 0 to 1.
        kind: what marks it as a tag.
        speaker: the name that the captions give to whoever makes the sound, or "".
        time_source: `cue` when the cue holds nothing but tags, `word` where the file times its words, else
            `interpolated` (± 0.5 s).
        lyrics: whether it stands for sung words.
    """

    text: str
    raw: str
    cue_index: int
    start_ms: int
    end_ms: int
    char_share: float
    kind: TagKind
    speaker: str = ""
    time_source: TimeSource = "cue"
    lyrics: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment of one cue's text and its reading; the pieces of a cue cover it without a gap.

    Attributes:
        kind: dialogue, tag, label (who speaks) or noise (nothing that is heard).
        rule: the rule that decided, as in `ParsedCaptions.counts`.
        start, end: offsets into `Cue.text`.
    """

    kind: PieceKind
    rule: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """A text that may name a sound, and what it was taken for.

    Attributes:
        text: the words in lower case.
        raw: the characters of the caption.
        taken_for: on-screen text, lyrics, label, dialogue, or other noise.
        rule: the rule that decided.
        start_ms: the time of its cue, in milliseconds of caption time.
    """

    text: str
    raw: str
    taken_for: TakenFor
    rule: str
    start_ms: int


@dataclass(frozen=True, slots=True)
class ParsedCaptions:
    """A caption file, understood.

    Attributes:
        dialogue: the spoken words, in time order.
        tags: the sounds, in time order.
        counts: rule → how many pieces it took.
        style: how the file writes sounds: `brackets`, `caps` (brackets in capitals), `bbc` (capitals
            without brackets), `music` (notes only) or `plain` (no sounds at all).
        pieces: for each cue, what became of every character.
        doubts: texts that may name a sound and were taken for something else.
    """

    dialogue: tuple[DialogueSpan, ...]
    tags: tuple[RawTag, ...]
    counts: dict[str, int] = field(default_factory=dict)
    style: CaptionStyle = "plain"
    pieces: tuple[tuple[Piece, ...], ...] = ()
    doubts: tuple[Doubt, ...] = ()
