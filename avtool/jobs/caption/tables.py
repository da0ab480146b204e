"""The tables of captioned films: events for programs, and the films that failed."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from avtool.core.files import write_csv, write_json
from avtool.inference.captioner import FilmSounds
from avtool.jobs.caption.film_captions import CaptionedFilm

_COLUMNS = ("start", "end", "phrase", "label", "score", "threshold")


def write_tables(folder: Path, films: Sequence[CaptionedFilm]) -> None:
    """Writes `events.csv`, `events.json` and `failures.csv`; times are in seconds."""
    rows: list[list[Any]] = []
    values = []
    for film in films:
        found, outcome = film.sounds.found, film.outcome
        if outcome.error is not None or not isinstance(found, FilmSounds):
            continue
        events = [asdict(event) for event in found.events]
        rows += [[outcome.film, *_cells(event)] for event in events]
        captions = [file.name for file in outcome.files]
        values.append(
            {"film": outcome.film, "seconds": outcome.seconds, "captions": captions, "events": events}
        )
    write_csv(folder / "events.csv", ["film", *_COLUMNS], rows)
    write_json(folder / "events.json", {"schema_version": 1, "films": values})
    failures = [[film.outcome.film, str(film.error)] for film in films if film.error is not None]
    write_csv(folder / "failures.csv", ["film", "problem"], failures)


def _cells(event: dict[str, Any]) -> list[object]:
    values = [event[column] for column in _COLUMNS]
    return [f"{value:.3f}" if isinstance(value, float) else value or "" for value in values]
