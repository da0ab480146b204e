"""ASS and SSA (SubStation Alpha): the events, with their own order of fields; comments are skipped."""

import re

from avtool.media.captions.cue import RawCue
from avtool.media.captions.draft import Draft
from avtool.media.captions.markup import plain_ass

_CLOCK = re.compile(r"\s*(-?)(\d{1,3}):(\d{1,2}):(\d{1,2})(?:[.:,](\d{1,3}))?\s*$")
_EVENT_FIELDS = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
_SHORT_FIELDS = ["layer", "start", "end", "style", "name", "text"]
_STYLE_FIELDS = [
    "name", "fontname", "fontsize", "primarycolour", "secondarycolour", "outlinecolour", "backcolour", "bold",
    "italic",
]  # fmt: skip
_MARGIN = re.compile(r"\s*\d*\s*$")


def read(text: str, draft: Draft) -> None:
    """Reads ASS and SSA, also a bare list of `Dialogue:` lines."""
    style_fields, event_fields = _STYLE_FIELDS, None
    italic_styles: set[str] = set()
    section = ""
    for line_number, line in enumerate(text.split("\n"), 1):
        kind, colon, rest = line.strip().partition(":")
        if line.lstrip().startswith("["):
            section = line.strip().lower()
        elif kind == "Format" and "event" in section:
            event_fields = _names(rest)
        elif kind == "Format":
            style_fields = _names(rest)
        elif kind == "Style" and colon:
            row = dict(zip(style_fields, (value.strip() for value in rest.split(",")), strict=False))
            if row.get("italic", "0") not in ("0", ""):
                italic_styles.add(row.get("name", "").lstrip("*"))
        elif kind == "Comment" and colon:
            draft.count("comment skipped")
        elif kind == "Dialogue" and colon:
            row = _event(rest, event_fields)
            _add(row, italic_styles, draft, line_number, line)


def _names(rest: str) -> list[str]:
    return [name.strip().lower() for name in rest.split(",")]


def _event(rest: str, fields: list[str] | None) -> dict[str, str]:
    """The fields of a Dialogue line; without a Format line those of the standard, or its short form."""
    if fields is None:
        values = rest.split(",", len(_EVENT_FIELDS) - 1)
        is_full = len(values) == len(_EVENT_FIELDS) and all(map(_MARGIN.match, values[5:8]))
        fields = _EVENT_FIELDS if is_full else _SHORT_FIELDS
    fields = ["name" if field == "actor" else field for field in fields]
    return dict(zip(fields, rest.lstrip().split(",", len(fields) - 1), strict=False))


def _add(row: dict[str, str], italic_styles: set[str], draft: Draft, line_number: int, line: str) -> None:
    start_ms, end_ms = _milliseconds(row.get("start", "")), _milliseconds(row.get("end", ""))
    if start_ms is None:
        draft.unreadable(line_number, line)
        return
    style = row.get("style", "").strip()
    text = row.get("text", "")
    plain = plain_ass(text, italic=style.lstrip("*") in italic_styles)
    if not plain.lines and "\\p" in text:
        draft.count("drawing skipped")
        return
    voice = row.get("name", "").strip()
    draft.add(RawCue(start_ms, end_ms, plain.lines, plain.italic, voice, style))


def _milliseconds(clock: str) -> int | None:
    found = _CLOCK.match(clock)
    if found is None:
        return None
    sign, hours, minutes, seconds, fraction = found.groups()
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    total = whole * 1000 + int((fraction or "0").ljust(3, "0"))
    return -total if sign else total
