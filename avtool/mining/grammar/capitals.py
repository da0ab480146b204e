"""Sounds in capitals without brackets, as British captions write them: "GEESE HONK"."""

import re

from avtool.mining.grammar.canvas import BRACKET_MASK, LABEL_MASK, TAG_MASK, Canvas, FoundTag
from avtool.mining.grammar.cleaning import clean, has_letters, is_capitals
from avtool.mining.grammar.records import TagFunction
from avtool.mining.grammar.vocabulary import is_spoken_language, names_sound, words

MAX_WORDS = 5
_BLANK = f" \t{BRACKET_MASK}{LABEL_MASK}{TAG_MASK}"
_SPOKEN_END = re.compile(r"[!?]\W*$")
_SENTENCE_END = re.compile(r"[.!?…:,—–-]\W*$")


def is_caps_effect(line: str, tag: TagFunction) -> bool:
    """Whether a line in capitals reads as a sound: short, without a speaker, and in the lexicon."""
    text = clean(line).lower()
    spoken = [word.strip(",.;") for word in text.replace("’", "'").split()]
    if not is_capitals(line) or len(spoken) > MAX_WORDS or _SPOKEN_END.search(line):
        return False
    if words("spoken_capital").intersection(spoken) or is_spoken_language(text) or text in words("sign"):
        return False
    return names_sound(text, tag)


def take_caps_effects(canvas: Canvas, tag: TagFunction) -> None:
    """Takes lines, or runs of lines, that read as sounds in capitals."""
    for start, end in _capital_runs(canvas, tag):
        if is_caps_effect(canvas.masked[start:end], tag):
            text = clean(canvas.masked[start:end]).lower()
            canvas.add_tag("capital sound", FoundTag(start, end, text, "caps"))


def take_on_screen_capitals(canvas: Canvas) -> None:
    """Takes a cue that is nothing but capitals without a full stop: a sign or a title, not speech."""
    if is_capitals(canvas.masked) and not _SENTENCE_END.search(canvas.masked) and not canvas.pieces:
        canvas.take("noise", "on-screen text", 0, len(canvas.text))


def _capital_runs(canvas: Canvas, tag: TagFunction) -> list[tuple[int, int]]:
    """Segments of whole lines in capitals; a line that is no sound by itself continues the one before it."""
    runs: list[tuple[int, int]] = []
    for start, end in canvas.lines():
        line = canvas.masked[start:end]
        if not is_capitals(line):
            continue
        start, end = start + len(line) - len(line.lstrip(_BLANK)), start + len(line.rstrip(_BLANK))
        follows = bool(runs) and not has_letters(canvas.masked[runs[-1][1] : start])
        if follows and not is_caps_effect(line, tag):
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs
