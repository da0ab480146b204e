"""Words as METEOR sees them: its splitting of punctuation, and the words' equality."""

import re
from collections.abc import Mapping
from functools import lru_cache

_LETTERS = (
    "A-Za-z\u0160\u017d\u0161\u017e\u0178\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017e\u0400-\u04ff\u0500-\u0527"
    "\ua640-\ua66e\ua67e-\ua697\u1d00-\u1d7f"
)
_WHITE = " \\t\\n\\x0b\\f\\r"
_BETWEEN = "[ \u2000-\u200a\u202f\u205f\u3000\u00a0]+"
_PLAIN = re.compile("[a-z ]*")
"""Texts that every rule leaves as they are."""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (rf"([^0-9{_LETTERS}{_WHITE}.'`,\-\u2018\u2019])", r" \1 "),
        (r"\.{2,}", r" \g<0> "),
        (r"([^0-9]),([^0-9])", r"\1 , \2"),
        (r"([0-9]),([^0-9])", r"\1 , \2"),
        (r"([^0-9]),([0-9])", r"\1 , \2"),
        ("[`\u2018\u2019]", "'"),
        ("[\u201c\u201d]|''", ' " '),
        ("\u2013", "-"),
        ("--", "-"),
        (rf"([0-9{_LETTERS}.])-([0-9{_LETTERS}])", r"\1 \2"),
        (rf"([^{_LETTERS}])'([^{_LETTERS}])", r"\1 ' \2"),
        (rf"([^0-9{_LETTERS}])'([{_LETTERS}])", r"\1 ' \2"),
        (rf"([{_LETTERS}])'([^{_LETTERS}])", r"\1 ' \2"),
        (rf"([{_LETTERS}])'([{_LETTERS}])", r"\1 '\2"),
        (r"([0-9])'(s)", r"\1 '\2"),
    )
)
"""In this order, each over the whole line; a consumed character does not begin the next match."""
_HAS_LETTER = re.compile(f"[{_LETTERS}]")

Prefixes = Mapping[str, bool]
"""Abbreviations that keep their full stop; True where only before a number."""


def read_prefixes(text: str) -> dict[str, bool]:
    """The list of abbreviations: one a line, `#NUMERIC_ONLY#` behind those that stand before numbers."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            found[words[0]] = "#NUMERIC_ONLY#" in words[1:]
    return found


def split_words(line: str, prefixes: Prefixes) -> list[str]:
    """The words of a line, in lower case; punctuation marks are words."""
    if _PLAIN.fullmatch(line):
        return line.split()
    line = f" {line} "
    for pattern, replacement in _RULES:
        line = pattern.sub(replacement, line)
    words = _java_split(line)
    after = [*words[1:], ""]
    line = " ".join(_detach_stop(word, next_, prefixes) for word, next_ in zip(words, after, strict=True))
    return _java_split(re.sub(_BETWEEN, " ", line).lower())


def _java_split(line: str) -> list[str]:
    return [word for word in re.split("[ \t\n\r\f]+", line) if word]


def _detach_stop(word: str, following: str, prefixes: Prefixes) -> str:
    """A word without its full stop, which becomes a word of its own unless an abbreviation owns it."""
    if len(word) < 2 or not word.endswith(".") or not word.strip("."):
        return word
    stem = word[:-1]
    if "." in stem and _HAS_LETTER.search(stem):
        return word.replace(".", "")
    numeric = prefixes.get(stem)
    if numeric is False or re.match("[a-z]", following) or (numeric and re.match("[0-9]", following)):
        return word
    return f"{stem} ."


@lru_cache(maxsize=1 << 18)
def word_key(word: str) -> int:
    """Java's hash of a string: METEOR compares words and stems by it, so that two words may be one."""
    value = 0
    units = word.encode("utf-16-be", "surrogatepass")
    for place in range(0, len(units), 2):
        value = (31 * value + (units[place] << 8 | units[place + 1])) & 0xFFFFFFFF
    return value
