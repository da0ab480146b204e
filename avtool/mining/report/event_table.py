"""The events of a dataset as rows that the report's page filters, and the choices with their counts."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from avtool.core.report.page import format_seconds
from avtool.mining.events import Event
from avtool.mining.film_record import FilmRecord

if TYPE_CHECKING:
    from markupsafe import Markup

TIMED = {
    "cue": "the whole caption",
    "word": "the caption's word times",
    "interpolated": "its place in the caption, ± 0.5 s",
    "onset": "the onset heard",
    "review": "a reviewer",
}
RULES = {
    "source+sound": "a sound and who makes it",
    "sound": "a sound",
    "music": "music",
    "state": "starts, stops or moves",
    "language": "a language is spoken",
    "voice": "a voice is described",
    "medium": "heard over a medium",
    "unknown-verb": "a verb that is not in the lexicon",
    "source": "something that sounds",
    "quality": "a manner alone",
    "review": "labelled by a reviewer",
}
"""Rules of the tagger in plain words; `+ocr` is a repair of recognised text."""


def rule_in_words(rule: str) -> str:
    """A rule as the page names it."""
    plain, repaired, _ = rule.partition("+ocr")
    return RULES.get(plain, plain) + (", misread letters repaired" if repaired else "")


def event_data(records: Sequence[FilmRecord], *, cut: bool) -> "Markup":
    """All events in film order, as JSON that a page may hold.

    Args:
        records: the films.
        cut: whether the events have clip files to link to.
    """
    from markupsafe import Markup

    films = [record.film_id for record in records]
    events = [(index, event) for index, record in enumerate(records) for event in record.events]
    rules = list(dict.fromkeys(rule_in_words(event.rule_id) for _, event in events))
    rows = [_row(index, event, rules, cut) for index, event in events]
    sounds: Counter[str] = Counter()
    for _, event in events:
        sounds.update(set(event.sounds) or {""})
    counts = {
        "sounds": sounds.most_common(),
        "films": [(record.film_id, len(record.events)) for record in records],
        "rules": Counter(rules[row[7]] for row in rows).most_common(),
    }
    data = {"films": films, "rules": rules, "timed": list(TIMED.values()), "counts": counts, "events": rows}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no tag can end the script element that holds it


def _row(film: int, event: Event, rules: Sequence[str], cut: bool) -> list[Any]:
    return [
        film,
        format_seconds(event.start_raw),
        f"{event.end_raw - event.start_raw:.1f} s",
        list(event.sounds),
        list(event.sources_stated),
        list(event.qualities),
        " ".join(event.tag_raw.split()),
        rules.index(rule_in_words(event.rule_id)),
        list(TIMED).index(event.time_source),
        f"{100 * event.conf:.0f} %",
        event.clip_path if cut else "",
    ]
