"""When each turn of dialogue is spoken and each tag is heard, within the time of its cue."""

import re
from dataclasses import dataclass, replace

from avtool.mining.grammar.canvas import Canvas, FoundTag
from avtool.mining.grammar.records import DialogueSpan, RawTag, TagFunction, TimeSource
from avtool.mining.grammar.several import split_tag

_LOOSE_HYPHEN = re.compile(r"^[-–] (?=\w)")  # left by "- HE GROANS - Are you all right?"
_GAP = re.compile(r"(?<=\w) (?=[.,](?!\.))")  # left by "I know (softly)."
_NOT_SPOKEN = "\ue003"
INTERPOLATED_MS = 1000  # length of a sound whose start is interpolated, to within about half as much


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's words in a cue, and how many characters of dialogue stand before them."""

    start: int
    text: str
    speaker: str
    chars_before: int
    num_chars: int


def turns_of(canvas: Canvas) -> list[Turn]:
    """The turns of a cue in order, empty ones included."""
    numbered = sum(name == "" for name in canvas.turns.values()) > 0
    turns: list[Turn] = []
    chars_before = number = 0
    spoken = _spoken(canvas)
    for start, end in canvas.turn_ranges():
        text = _GAP.sub("", " ".join(spoken[start:end].replace(_NOT_SPOKEN, "").split()))
        text = _LOOSE_HYPHEN.sub("", text)
        text = text if any(character.isalnum() for character in text) else ""
        number += bool(text)
        name = canvas.turns.get(start, "") or canvas.cue.voice
        num_chars = _num_chars(text)
        turns.append(Turn(start, text, name or (str(number) if numbered else ""), chars_before, num_chars))
        chars_before += num_chars
    return turns


def dialogue_spans(canvas: Canvas) -> list[DialogueSpan]:
    """The spoken turns of a cue; several share its time by their numbers of characters."""
    turns = [turn for turn in turns_of(canvas) if turn.text]
    total = sum(turn.num_chars for turn in turns)
    return [
        DialogueSpan(
            start_ms=_at_share(canvas, turn.chars_before / total),
            end_ms=_at_share(canvas, (turn.chars_before + turn.num_chars) / total),
            text=turn.text,
            speaker=turn.speaker,
        )
        for turn in turns
    ]


def raw_tags(canvas: Canvas, tag: TagFunction) -> list[RawTag]:
    """The tags of a cue with their times: the whole cue, or a point interpolated inside its dialogue."""
    if not canvas.tags:
        return []
    turns = turns_of(canvas)
    total = sum(turn.num_chars for turn in turns)
    tags: list[RawTag] = []
    for found in sorted(canvas.tags, key=lambda found: found.start):
        share = _chars_before(canvas, turns, found.start) / total if total else 0.0
        start_ms, end_ms, source = _times(canvas, found, share, bool(total))
        first = RawTag(
            text=found.text,
            raw=canvas.text[found.start : found.end],
            cue_index=canvas.index,
            start_ms=start_ms,
            end_ms=end_ms,
            char_share=share,
            kind=found.kind,
            speaker=_name_at(canvas, found.start),
            time_source=source,
            lyrics=found.lyrics,
        )
        several = split_tag(found.text, tag) if found.kind in ("bracket", "caps") else (found.text,)
        tags += [replace(first, text=text) for text in several]
    return tags


def _times(canvas: Canvas, found: FoundTag, share: float, has_dialogue: bool) -> tuple[int, int, TimeSource]:
    if not has_dialogue:
        return canvas.cue.start_ms, canvas.end_ms, "cue"
    if canvas.cue.word_times:
        return _timed_by_words(canvas, found)
    start_ms = _at_share(canvas, share)
    return start_ms, start_ms + INTERPOLATED_MS, "interpolated"


def _timed_by_words(canvas: Canvas, found: FoundTag) -> tuple[int, int, TimeSource]:
    """From the time of the word that the tag begins with to that of the next, where the file times words."""
    cue = canvas.cue
    start_ms = max((ms for offset, ms in cue.word_times if offset <= found.start), default=cue.start_ms)
    after = min((ms for offset, ms in cue.word_times if offset >= found.end), default=cue.end_ms)
    return start_ms, max(after, start_ms + 1), "word"


def _at_share(canvas: Canvas, share: float) -> int:
    return canvas.cue.start_ms + round(share * (canvas.cue.end_ms - canvas.cue.start_ms))


def _chars_before(canvas: Canvas, turns: list[Turn], offset: int) -> int:
    turn = max((turn for turn in turns if turn.start <= offset), key=lambda turn: turn.start)
    return turn.chars_before + (_num_chars(_dialogue(canvas, turn.start, offset)) if turn.text else 0)


def _name_at(canvas: Canvas, offset: int) -> str:
    """The name, not the number, of whoever has the turn at an offset."""
    start = max((start for start in canvas.turns if start <= offset), default=None)
    return (canvas.turns[start] if start is not None else "") or canvas.cue.voice


def _num_chars(text: str) -> int:
    return sum(not character.isspace() for character in text)


def _spoken(canvas: Canvas) -> str:
    """The text of a cue with a filler in place of every character of a piece."""
    text, parts, at = canvas.text, [], 0
    for piece in sorted(canvas.pieces, key=lambda piece: piece.start):
        begin = max(piece.start, at)
        if piece.end > begin:
            parts += [text[at:begin], _NOT_SPOKEN * (piece.end - begin)]
            at = piece.end
    return "".join([*parts, text[at:]])


def _dialogue(canvas: Canvas, start: int, end: int) -> str:
    """The characters of dialogue between two offsets, without other pieces."""
    return _spoken(canvas)[start:end].replace(_NOT_SPOKEN, "")
