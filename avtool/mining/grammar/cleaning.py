"""From the characters of a caption to the words of a tag."""

import re
from functools import lru_cache

from avtool.mining.titles import without_titles

NOTES = r"(?:[♩♪♫♬🎵🎶🎼]|â™[ªª«¬]|â\x99[ª«¬])"
NOTE_RUN = re.compile(rf"{NOTES}(?:[\s♩-♬~-]*{NOTES})*")
INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufe0e\ufe0f"
SYMBOLS = "←-⇿⏩-⏺▶►◀◄➔-➾⬅-⬇☎☏✆📞📟📠📱📲📺📻💻🖥🔊🔉🔈"
MARKUP = re.compile(rf"\{{\\[^{{}}\n]{{0,200}}\}}|</?[a-zA-Z][^<>\n]{{0,200}}>|[{INVISIBLE}{SYMBOLS}]+")
_INVISIBLE_RUN = re.compile(f"[{INVISIBLE}]+")
_QUOTES = re.compile('["“”„«»]')
_BRACKETS = re.compile(r"[()\[\]{}（）［］｛｝【】〔〕「」]")
_EDGES = " \t\n.,:;!?…·-–—~\"'“”‘’`´*＊#_|。、，．：；！？・＿～―"
_ABBREVIATION = re.compile(r"(?:\b\w\.){2,}$")


@lru_cache(maxsize=4096)  # several rules look at the same words
def clean(content: str) -> str:
    """The words of a text on one line, in their own case: no markup, notes, titles and edge punctuation."""
    text = NOTE_RUN.sub(" ", MARKUP.sub(" ", _INVISIBLE_RUN.sub("", content)))
    text = _BRACKETS.sub(" ", _QUOTES.sub("", without_titles(" ".join(text.split()))))
    text = " ".join(text.split())
    abbreviated = bool(_ABBREVIATION.search(text))  # "p.a." keeps its last point
    text = text.strip(_EDGES)
    return text + "." if abbreviated else text


def has_letters(text: str) -> bool:
    """Whether a text has any content."""
    return any(character.isalpha() for character in text)


def is_capitals(text: str) -> bool:
    """Whether all letters that have a case are capitals, and there are at least two of them."""
    return text.isupper() and sum(character.isupper() for character in text) >= 2
