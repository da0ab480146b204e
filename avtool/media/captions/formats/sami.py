"""SAMI (Microsoft): a cue lasts until the next SYNC; several languages may lie in one file."""

import re
from collections import Counter

from avtool.media.captions.cue import RawCue
from avtool.media.captions.draft import Draft
from avtool.media.captions.markup import plain_webvtt
from avtool.media.languages import bcp47, same_language

_SYNC = re.compile(r"<\s*sync\b([^<>]*)>", re.IGNORECASE)
_START = re.compile(r"""\bstart\s*=\s*["']?\s*(-?\d{1,10})""", re.IGNORECASE)
_PARAGRAPH = re.compile(r"<\s*p\b([^<>]*)>", re.IGNORECASE)
_CLASS = re.compile(r"""\bclass\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_CLASS_STYLE = re.compile(r"\.([\w-]+)\s*\{([^{}]*)\}")
_LANGUAGE = re.compile(r"\blang\s*:\s*([\w-]+)", re.IGNORECASE)
_END = re.compile(r"</\s*(?:body|sami)\s*>", re.IGNORECASE)


def read(text: str, draft: Draft) -> None:
    """Reads SAMI. Of several languages the wanted one is kept, or the first if it is not there."""
    syncs = _syncs(text, draft)
    counts = Counter(name for _, paragraphs in syncs for name, body in paragraphs if plain_webvtt(body).lines)
    kept = _class_to_keep(text, counts, draft)
    before: RawCue | None = None
    for start_ms, paragraphs in syncs:
        for name, body in paragraphs:
            plain = plain_webvtt(" ".join(body.split()))
            if kept and name not in ("", kept):
                draft.count("line in another language skipped", bool(plain.lines))
                continue
            if before and start_ms > before.start_ms:
                before.end_ms = start_ms
            before = RawCue(start_ms, None, plain.lines, plain.italic)
            if plain.lines:  # an empty one only ends the one before
                draft.add(before)


def _syncs(text: str, draft: Draft) -> list[tuple[int, list[tuple[str, str]]]]:
    """Each SYNC's start in milliseconds and its paragraphs: (class in capitals, marked-up text)."""
    end = _END.search(text)
    body = text[: end.start()] if end else text
    found_syncs = list(_SYNC.finditer(body))
    stops = [*(found.start() for found in found_syncs[1:]), len(body)]
    syncs = []
    for found, stop in zip(found_syncs, stops, strict=False):
        start = _START.search(found[1])
        if start is None:
            line_number = 0 if draft.first_bad else body.count("\n", 0, found.start()) + 1
            draft.unreadable(line_number, found[0])
            continue
        pieces = _PARAGRAPH.split(body[found.end() : stop])
        names = [name[1].upper() if (name := _CLASS.search(piece)) else "" for piece in pieces[1::2]]
        bare = [("", pieces[0])] if pieces[0].strip() else []
        syncs.append((int(start[1]), bare + list(zip(names, pieces[2::2], strict=True))))
    return syncs


def _class_to_keep(text: str, counts: Counter[str], draft: Draft) -> str:
    """The class of the language to keep; "" if the file names no classes."""
    languages = {}
    for name, style in _CLASS_STYLE.findall(text):
        if found := _LANGUAGE.search(style):
            languages[name.upper()] = bcp47(found[1])
    named = [name for name in counts if name]
    wanted = [name for name in named if same_language(languages.get(name, ""), draft.wanted_language)]
    kept = (wanted or named or [""])[0]
    draft.language = languages.get(kept, "")
    return kept
