"""Texts that were taken for something else although they may name a sound: listed, never lost in silence."""

from collections.abc import Iterator

from avtool.mining.grammar.canvas import Canvas
from avtool.mining.grammar.cleaning import clean, has_letters, is_capitals
from avtool.mining.grammar.records import Doubt, Piece, TagFunction, TakenFor
from avtool.mining.grammar.vocabulary import is_certain, is_spoken_language, names_event, names_sound

_MAX_WORDS = 8  # of a text that may caption a sound
# Nothing that is heard, whatever words it has.
_SETTLED = frozenset({"credit", "notes", "language code", "spoken language", "speaker mark"})
_OF_SPEECH = frozenset({"voice", "speak", "talk"})  # sounds that every manner of speech names


def find_doubts(canvas: Canvas, tag: TagFunction) -> Iterator[Doubt]:
    """The doubtful texts of one cue that every rule has looked at."""
    for piece in canvas.finished_pieces():
        raw = canvas.text[piece.start : piece.end]
        text = clean(raw).lower()
        if not has_letters(text) or len(text.split()) > _MAX_WORDS:
            continue
        if piece.kind == "dialogue":
            if is_capitals(raw) and (is_certain(text, tag) or names_event(text, tag)):
                yield Doubt(text, raw, "dialogue", "capitals", canvas.cue.start_ms)
        elif taken_for := _taken_for(piece, text, tag):
            yield Doubt(text, raw, taken_for, piece.rule, canvas.cue.start_ms)
    yield from _brackets_in_dialogue(canvas, tag)


def _taken_for(piece: Piece, text: str, tag: TagFunction) -> TakenFor | None:
    """What a piece was taken for, if it may be a sound."""
    found = tag(text)
    if is_spoken_language(text):
        return None
    if piece.rule == "lyric":
        return "lyrics" if found.rule == "music" or is_certain(text, tag) else None
    if piece.kind == "tag" or piece.rule in _SETTLED or _OF_SPEECH.issuperset(found.sounds):
        return "on-screen text" if piece.rule == "on-screen text" and found.sources else None
    if piece.rule == "markup" and not names_sound(text, tag):
        return None
    if piece.rule == "bracketed speaker" and not is_certain(text, tag):
        return None
    if piece.rule == "on-screen text":
        return "on-screen text"
    return "label" if piece.kind == "label" else "noise"


def _brackets_in_dialogue(canvas: Canvas, tag: TagFunction) -> Iterator[Doubt]:
    """Brackets, closed or not, that went back to dialogue although a sound of the lexicon stands in them."""
    halves = (canvas.brackets.open_start, canvas.brackets.open_end)
    for bracket in [*canvas.brackets.closed, *filter(None, halves)]:
        taken = any(piece.start < bracket.end and bracket.start < piece.end for piece in canvas.pieces)
        text = clean(bracket.content).lower()
        if not taken and 0 < len(text.split()) <= _MAX_WORDS and names_sound(text, tag):
            raw = canvas.text[bracket.start : bracket.end]
            yield Doubt(text, raw, "dialogue", "ordinary bracket", canvas.cue.start_ms)
