"""The events of each film as files for people and other tools: CSV, WebVTT, and Audacity's label tracks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from avtool.core.files import write_csv, write_text
from avtool.media.captions.cue import Cue
from avtool.media.captions.writing import write_captions
from avtool.mining.events import Event

FOLDER = "events"
COLUMNS = {"start": "film_start", "end": "film_end", "start_raw": "event_start", "end_raw": "event_end"}
"""Field of an event → its column: the event itself and the clip around it, both in seconds of the film."""


def event_columns() -> list[str]:
    """The columns of a table of events, named as in the manifest."""
    return [COLUMNS.get(name, name) for name in Event.__dataclass_fields__]


def event_row(event: Event) -> list[object]:
    """The cells of an event under `event_columns`; several labels are joined by semicolons."""
    values = (getattr(event, name) for name in Event.__dataclass_fields__)
    return [";".join(value) if isinstance(value, tuple) else value for value in values]


def write_timelines(folder: Path, films: Mapping[str, Sequence[Event]]) -> None:
    """Writes `events/FILM.csv`, `.vtt` and `.txt` (Audacity: start, end, label) of every film.

    Times are those of the events themselves, in seconds of the film, without a collar.
    """
    target = folder / FOLDER
    target.mkdir(exist_ok=True)
    for film_id, events in films.items():
        stem = target / film_id
        rows = [event_row(event) for event in events]
        write_csv(stem.with_name(f"{stem.name}.csv"), event_columns(), rows)
        cues = [_cue(event) for event in events]
        write_captions(cues, stem.with_name(f"{stem.name}.vtt"), format="vtt")
        lines = (f"{e.start_raw:.6f}\t{e.end_raw:.6f}\t{in_words(e)}\n" for e in events)
        write_text(stem.with_name(f"{stem.name}.txt"), "".join(lines))


def in_words(event: Event) -> str:
    """An event on one line: its sounds, then who makes them (`slam, door`); its tag where it has no sound."""
    labels = [*event.sounds, *event.sources_stated]
    return " ".join(", ".join(labels if event.sounds else [event.tag_clean]).split())


def _cue(event: Event) -> Cue:
    begin = round(1000 * event.start_raw)
    return Cue(begin, max(begin + 1, round(1000 * event.end_raw)), (f"[{in_words(event)}]",))
