"""One raw tag as it stood in the caption → plain lower-case text."""

import html
import re
import unicodedata

from avtool.mining.titles import MAX_LENGTH, without_titles

_MARKUP = re.compile(r"<[^<>]{0,80}>|\{[\\*][^{}]{0,200}\}")
_NOTES = re.compile(r"[♩♪♫♬♭♮♯🎵🎶]+")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_APOSTROPHES = str.maketrans(
    {"‘": "'", "’": "'", "‛": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "″": '"'}
)
_BRACKETS = re.compile(r"[()\[\]{}<>«»【】「」『』*~^_]")
_LEADING_DASH = re.compile(r"^(?:-+|>>+)\s*|(?<=\s)-+(?=\s)|--+")
_SPEAKER = re.compile(r"^[\w .'#-]{1,30}:(?=\s)")
_ABBREVIATION = re.compile(r"\b(?:[a-z]\.)+[a-z]\b\.?|(?<=\b[a-z]{2})\.(?=\s)|(?<=\b[a-z]{3})\.(?=\s)")
NOTES_ONLY = "music"


def normalise(raw: str) -> str:
    """Plain text of one tag: NFKC, lower case, no markup, brackets, notes, speaker or end punctuation.

    A tag of nothing but musical notes becomes "music"; the title of a song becomes "song".
    Text beyond 400 characters is cut: no tag is that long, and a hostile one must not cost time.
    """
    text = html.unescape(raw[:MAX_LENGTH])
    text = _MARKUP.sub(" ", text)
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    text, notes = _NOTES.subn(" ", text)
    text = without_titles(" ".join(text.translate(_APOSTROPHES).split()))
    text = text.lower().replace("–", " - ").replace("—", " - ")
    text = text.replace("…", " ").replace("...", " ")
    text = " ".join(_BRACKETS.sub(" ", text).split())
    text = _LEADING_DASH.sub(" ", text.replace('"', " ").strip()).strip()
    spoken = _SPEAKER.match(text)
    if spoken and text[spoken.end() :].strip():
        text = text[spoken.end() :]
    text = _ABBREVIATION.sub(lambda match: match[0].replace(".", ""), text)
    text = " ".join(text.split()).strip(" .,:;!?-'")
    return text or (NOTES_ONLY if notes else "")
