"""Captions as JSON: `{"kind": "captions", "cues": [{"start": 1, "end": 2.5, "lines": ["[door slams]"]}]}`."""

import json
import math
from collections.abc import Iterable
from typing import Any

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Cue, RawCue
from avtool.media.captions.draft import Draft
from avtool.media.captions.markup import plain_text
from avtool.media.languages import bcp47

_LONGEST_S = 1e7
SIGN = r"\{\s*\"schema_version\":\s*1,\s*\"kind\":\s*\"captions\""
"""How such a file begins."""


def as_json(cues: Iterable[tuple[Cue, tuple[str, ...]]], language: str = "") -> dict[str, Any]:
    """Cues and their clean lines as JSON holds them; times are seconds with milliseconds."""
    found = [
        {"start": cue.start_ms / 1000, "end": cue.end_ms / 1000, "lines": list(lines), **_extras(cue)}
        for cue, lines in cues
    ]
    return {"schema_version": 1, "kind": "captions", "language": language, "cues": found}


def _extras(cue: Cue) -> dict[str, Any]:
    """What a cue has beside its text, without what is usual."""
    extras = {"italic": cue.italic, "voice": cue.voice, "top": cue.top}
    return {name: value for name, value in extras.items() if value}


def read(text: str, draft: Draft) -> None:
    """Reads what `as_json` gives.

    Raises:
        BadInputError: it is no JSON, or holds no list of cues.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{draft.source} is broken JSON: {error}", "repair the file") from error
    cues = content.get("cues")
    if not isinstance(cues, list):
        raise BadInputError(f"{draft.source} has no list `cues`", "give captions that avtool wrote")
    draft.language = bcp47(str(content.get("language", "")))
    for entry in cues:
        values = entry if isinstance(entry, dict) else {}
        start_ms, end_ms = (_milliseconds(values.get(name)) for name in ("start", "end"))
        lines = values.get("lines")
        if start_ms is None or end_ms is None or not isinstance(lines, list):
            draft.unreadable(0, json.dumps(entry, ensure_ascii=False))
            continue
        rows = plain_text("\n".join(map(str, lines))).lines
        italic, top = (bool(entry.get(name)) for name in ("italic", "top"))
        draft.add(RawCue(start_ms, end_ms, rows, italic, str(entry.get("voice", "")), top=top))


def _milliseconds(value: Any) -> int | None:
    """Seconds in milliseconds; None for what is no time of any film."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return round(1000 * value) if is_number and math.isfinite(value) and abs(value) < _LONGEST_S else None
