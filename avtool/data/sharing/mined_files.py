"""The files of a mined dataset made again: tables of its events, timelines, lists, and the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from avtool.core.files import write_csv
from avtool.core.report.page import optional_report
from avtool.core.reporter import Reporter
from avtool.data.sharing.annotations import Annotations
from avtool.data.sharing.find_films import FoundFilm
from avtool.mining.cue_class import CueClass
from avtool.mining.event_files import write_event_files
from avtool.mining.events import Event
from avtool.mining.film_record import FilmRecord
from avtool.mining.recipe import ClipRecipe
from avtool.mining.report.write import write_events_report

_FILM_COLUMNS = ["film_id", "film", "status", "minutes", "events", "split"]


def write_mined_files(
    folder: Path,
    annotations: Annotations,
    mined: tuple[Sequence[Event], Sequence[CueClass | None]],
    films: Mapping[int, FoundFilm],
    missing: Sequence[str],
    reporter: Reporter,
) -> None:
    """Writes what mining writes beside a manifest, as far as it follows from the events.

    Captions are not published: the files that follow from them (`untagged.csv`, the records of
    synchronisation) cannot be made again.

    Args:
        folder: the dataset being built.
        annotations: of the export.
        mined: the events of all its rows, and the kinds of their sources.
        films: that are there, by number.
        missing: ids of those that are not.
        reporter: gets a warning where the report cannot be made.
    """
    rows = [row for row, place in enumerate(annotations.places) if place in films]
    events, kinds = [mined[0][row] for row in rows], [mined[1][row] for row in rows]
    of_rows = annotations.column("split")
    splits = [of_rows[row] or "" for row in rows]
    clip = annotations.clip or ClipRecipe(format="none")
    write_event_files(folder, events, splits, clip, kinds=kinds)
    records = _records(annotations, rows, events, films)
    split_of = {event.film_id: split for event, split in zip(events, splits, strict=True)}
    lines = [
        [one.film_id, one.film, "rebuilt", round(one.duration_s / 60, 2), len(one.events), split]
        for one, split in zip(records, [split_of[record.film_id] for record in records], strict=True)
    ]
    write_csv(folder / "films.csv", _FILM_COLUMNS, [*lines, *([name, "", "missing"] for name in missing)])
    with optional_report(reporter):
        failures = [(name, "", "missing: see missing.csv") for name in missing]
        write_events_report(folder, records, failures, split_of, cut=annotations.clip is not None)


def _records(
    annotations: Annotations, rows: Sequence[int], events: Sequence[Event], films: Mapping[int, FoundFilm]
) -> list[FilmRecord]:
    """The films with their events, in the order of the manifest."""
    of_film: dict[str, list[Event]] = {}
    places: dict[str, int] = {}
    for row, event in zip(rows, events, strict=True):
        of_film.setdefault(event.film_id, []).append(event)
        places.setdefault(event.film_id, annotations.places[row])
    return [
        FilmRecord(
            film_id, str(films[place].path), "", {},
            duration_s=annotations.films[place].seconds, events=of_film[film_id],
        )
        for film_id, place in places.items()
    ]  # fmt: skip
