"""The text of a sound caption: cleaned, in its style's case and brackets, broken into lines, shortened."""

import functools
import itertools
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.captioning.style import CaptionStyle
from avtool.media.captions.markup import plain_text
from avtool.media.languages import bcp47

_LANGUAGES = Path(__file__).parent / "languages.toml"
_ARROW = re.compile(r"-{2,}>")
_BRACKETS = str.maketrans("", "", "[]{}<>（）［］【】「」♪♫\\")
_EDGES = " \t.,;:…。、-–—"
_PUNCTUATION = (",", ";", ":", ".", "!", "?", "–", "—", "、", "。")
_AFTER_PUNCTUATION, _BEFORE_PHRASE, _BETWEEN_WORDS, _AFTER_ARTICLE = 0, 1, 3, 50


@dataclass(frozen=True)
class Words:
    """The words of a language that decide where a caption may be broken."""

    openers: frozenset[str] = frozenset()
    articles: frozenset[str] = frozenset()
    continues: str = "…"
    nominal: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption's lines with their brackets, and whether it was shortened to fit."""

    lines: tuple[str, ...]
    shortened: bool = False

    @property
    def text(self) -> str:
        """The lines as one."""
        return " ".join(self.lines)


@functools.cache
def words_of(language: str) -> Words:
    """The words of a language (BCP 47); one without a table has none, and is broken between any words."""
    tables = tomllib.loads(_LANGUAGES.read_text(encoding="utf-8"))
    table = tables.get(bcp47(language).partition("-")[0])
    if table is None:
        return Words()
    return Words(
        openers=frozenset(table["conjunctions"]) | frozenset(table["prepositions"]),
        articles=frozenset(table["articles"]),
        continues=table["continues"],
        nominal=re.compile(table["nominal"], re.IGNORECASE) if "nominal" in table else None,
    )


@functools.lru_cache(maxsize=4096)
def make_caption(phrase: str, style: CaptionStyle, language: str = "en") -> Caption | None:
    """The caption of a phrase; None where nothing visible remains of it.

    Args:
        phrase: "door slams"; brackets, notes, a full stop and what cannot be shown go.
        style: case, brackets and lengths.
        language: of the phrase (BCP 47).
    """
    text = proper_text(phrase, style, language)
    if not text:
        return None
    words = words_of(language)
    most = min(style.max_chars * style.max_lines, int(style.cps * style.max_duration))
    return _fitted(text.split(), style, words, most)


def proper_text(phrase: str, style: CaptionStyle, language: str = "en") -> str:
    """A phrase as a caption has it between its brackets; a proper text stays as it is."""
    return _in_case(_cleaned(phrase, words_of(language)), style, language)


def _cleaned(phrase: str, words: Words) -> str:
    text = _ARROW.sub("→", " ".join(plain_text(phrase).lines))
    text = " ".join(text.translate(_BRACKETS).split()).strip(_EDGES)
    if text.startswith("(") and text.endswith(")") and "(" not in text[1:]:
        text = text[1:-1].strip(_EDGES)
    turned = words.nominal.fullmatch(text) if words.nominal else None
    return f"{turned['subject']} {turned['verb']}" if turned else text


def _in_case(text: str, style: CaptionStyle, language: str) -> str:
    if style.case == "upper":
        return text.upper()
    names = {name.lower(): name for part in style.names for name in part.split()}
    if text.isupper() and len(text) > 1:
        text = text.lower()
    elif text[:1].isupper() and bcp47(language).partition("-")[0] == "en":
        first, _, rest = text.partition(" ")
        text = f"{_lower_first(first)} {rest}".strip()
    return " ".join(names.get(word.lower(), word) for word in text.split(" "))


@functools.lru_cache(maxsize=4096)
def _lower_first(word: str) -> str:
    """The first word of a phrase in lower case, unless no dictionary has it: then it is a name."""
    from lemminflect import getAllLemmas

    lowered = word.lower()
    is_acronym = len(word) > 1 and word[:2].isupper()
    return lowered if not is_acronym and getAllLemmas(lowered) else word


def _fitted(words: Sequence[str], style: CaptionStyle, table: Words, most: int) -> Caption:
    """The phrase, or its longest beginning that fits, cut and broken at phrase boundaries if it can be."""
    ends = itertools.accumulate(len(word) + 1 for word in words)
    held = words[: sum(end <= most + 1 for end in ends)]  # more do not fit in any case
    if len(held) == len(words) and (lines := _set(held, style, table, most)):
        return Caption(lines)
    closed = [
        cut for cut in range(1, len(held) + 1) if cut < len(words) and not _ends_open(held[:cut], table)
    ]
    for worst in (_BEFORE_PHRASE, _BETWEEN_WORDS):
        for cut in reversed(closed):
            if _cost(words, cut, table) <= worst:
                kept = [*held[: cut - 1], held[cut - 1].rstrip(_EDGES) or held[cut - 1]]
                if lines := _set(kept, style, table, most, worst):
                    return Caption(lines, shortened=True)
    room = min(style.max_chars, most) - len(style.opening) - len(style.closing)
    return Caption((_bracketed(words[0][:room], style),), shortened=True)


def _set(
    words: Sequence[str], style: CaptionStyle, table: Words, most: int, worst: int = _BETWEEN_WORDS
) -> tuple[str, ...] | None:
    """The lines of some words with brackets, unless they are too long or a break is worse than `worst`."""
    text = _bracketed(" ".join(words), style)
    return _broken(text.split(" "), style, table, worst) if len(text) <= most else None


def _bracketed(text: str, style: CaptionStyle) -> str:
    return f"{style.opening}{text}{style.closing}"


def _ends_open(words: Sequence[str], table: Words) -> bool:
    """Whether a cut phrase would end in an article, a preposition or a conjunction."""
    last = words[-1].lower().strip(_EDGES)
    return last in table.articles or last in table.openers


def _cost(words: Sequence[str], place: int, table: Words) -> int:
    """How bad a break before the word at `place` is."""
    before, after = words[place - 1].lower(), words[place].lower()
    if before.strip("([") in table.articles:
        return _AFTER_ARTICLE
    if before.endswith(_PUNCTUATION):
        return _AFTER_PUNCTUATION
    return _BEFORE_PHRASE if after in table.openers else _BETWEEN_WORDS


def _broken(words: Sequence[str], style: CaptionStyle, table: Words, worst: int) -> tuple[str, ...] | None:
    """The words in as few lines as hold them, broken where it reads best; None if they do not fit."""
    text = " ".join(words)
    if len(text) <= style.max_chars:
        return (text,)
    for count in range(2, style.max_lines + 1):
        if best := _best_breaks(words, 0, count, style.max_chars, table, worst):
            return best[2]
    return None


def _best_breaks(
    words: Sequence[str], begin: int, count: int, width: int, table: Words, worst: int
) -> tuple[int, int, tuple[str, ...]] | None:
    """Cost, longest line and lines of the best way to set the words from `begin` in `count` lines."""
    if count == 1:
        line = " ".join(words[begin:])
        return (0, len(line), (line,)) if len(line) <= width else None
    found = []
    for place in range(begin + 1, len(words) - count + 2):
        line = " ".join(words[begin:place])
        if len(line) > width:
            break
        cost = _cost(words, place, table)
        if cost <= worst and (rest := _best_breaks(words, place, count - 1, width, table, worst)):
            found.append((cost + rest[0], max(len(line), rest[1]), (line, *rest[2])))
    return min(found, default=None)
