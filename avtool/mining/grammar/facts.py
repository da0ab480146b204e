"""Facts of the whole caption file that decide the reading of each of its cues."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from avtool.mining.grammar.brackets import CORNER
from avtool.mining.grammar.canvas import Canvas
from avtool.mining.grammar.capitals import is_caps_effect
from avtool.mining.grammar.cleaning import clean, has_letters, is_capitals
from avtool.mining.grammar.records import CapsStyle, TagFunction
from avtool.mining.grammar.vocabulary import words

MAX_CAPS_SHARE = 0.3
_NAME_LABEL = re.compile(r"^[^\w\n]*([^\W\d_][\w'’.&-]*(?: [^\W_][\w'’.&-]*){0,2})(?::(?=\s|$)|：)")
_CODE_START = re.compile(r"^\[([a-z]{2,4})(?:-[A-Za-z]{2,4})?\](?=[ \t]*\S)")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts of one caption file.

    Attributes:
        names: names in lower case that label a line at least twice, or that the format gives as voices.
        capital_dialogue: whether 30 % or more of the dialogue is in capitals, and more lines than are sounds,
            so that they mean nothing.
        capital_effects: whether capitals without brackets are sounds ("GEESE HONK").
        capital_brackets: whether most bracketed text is in capitals.
        lower_brackets: whether nearly all of it is in small letters, so that a capital means a name.
        corner_sounds: whether 「…」 holds sounds; in most Japanese captions it quotes.
        language_codes: codes such as "en" that start lines ("[en] Hello").
    """

    names: frozenset[str] = frozenset()
    capital_dialogue: bool = False
    capital_effects: bool = False
    capital_brackets: bool = False
    lower_brackets: bool = False
    corner_sounds: bool = False
    language_codes: frozenset[str] = frozenset()


def gather_facts(canvases: Iterable[Canvas], tag: TagFunction, caps_style: CapsStyle) -> FileFacts:
    """Reads the file once, after its brackets are found and before any rule decides."""
    canvases = [canvas for canvas in canvases if not canvas.is_document]
    lines = [canvas.masked[start:end] for canvas in canvases for start, end in canvas.lines()]
    capital_dialogue, num_effects = _measure_capitals(lines, tag)
    contents = [bracket for canvas in canvases for bracket in canvas.brackets.closed]
    texts = [clean(bracket.content) for bracket in contents if bracket.opener != CORNER]
    cased = [text for text in texts if text.upper() != text.lower()]
    num_sounds = sum(bool(tag(text.lower()).sounds) for text in texts)
    # A file that brackets its sounds throughout writes signs, not sounds, in bare capitals.
    bracketed_throughout = num_sounds >= 10 and num_sounds > 4 * num_effects
    return FileFacts(
        names=_names(lines, (canvas.cue.voice for canvas in canvases)),
        capital_dialogue=capital_dialogue,
        capital_effects=caps_style == "on"
        or (caps_style == "auto" and not capital_dialogue and not bracketed_throughout),
        capital_brackets=2 * sum(map(is_capitals, cased)) > len(cased),
        lower_brackets=len(cased) >= 5 and 5 * sum(text[0].islower() for text in cased) >= 4 * len(cased),
        corner_sounds=_corner_sounds(canvases, tag),
        language_codes=_language_codes(canvases),
    )


def _measure_capitals(lines: list[str], tag: TagFunction) -> tuple[bool, int]:
    """Whether the dialogue is in capitals, and how many lines could be sounds in capitals."""
    num_capital = num_dialogue = num_effects = 0
    for line in lines:
        if not has_letters(line):
            continue
        capital = is_capitals(line)
        if capital and is_caps_effect(line, tag):
            num_effects += 1
            continue
        num_dialogue += 1
        num_capital += capital
    shouted = num_capital >= MAX_CAPS_SHARE * max(1, num_dialogue)
    return shouted and num_capital > num_effects, num_effects  # a few signs and cries beside many sounds


def _names(lines: list[str], voices: Iterable[str]) -> frozenset[str]:
    labels = Counter(
        match[1].casefold()
        for line in lines
        if (match := _NAME_LABEL.match(line)) and looks_like_name(match[1])
    )
    seen = {name for name, count in labels.items() if count >= 2 and name not in words("not_name")}
    return frozenset(seen | {voice.casefold() for voice in voices if voice})


def looks_like_name(text: str) -> bool:
    """Whether every word begins with a capital, a digit, or a letter of a script without capitals."""
    return all(word[0] == word[0].upper() for word in text.split())


def _corner_sounds(canvases: list[Canvas], tag: TagFunction) -> bool:
    quotes = [b.content for canvas in canvases for b in canvas.brackets.closed if b.opener == CORNER]
    return bool(quotes) and 2 * sum(bool(tag(clean(quote).lower()).sounds) for quote in quotes) > len(quotes)


def _language_codes(canvases: list[Canvas]) -> frozenset[str]:
    """Known codes wherever they start a line, and unknown ones that start most lines of the file."""
    num_lines = 0
    codes: Counter[str] = Counter()
    for canvas in canvases:
        for start, end in canvas.lines():
            num_lines += has_letters(canvas.text[start:end])
            if match := _CODE_START.match(canvas.text[start:end].strip()):
                codes[match[1]] += 1
    if 2 * codes.total() > num_lines and len(codes) > 1:
        return frozenset(codes)
    return frozenset(code for code in codes if code in words("language_code"))
