"""Tables of sound events as captioners: events of another program, or corrected ones of an earlier run.

A CSV table has a row an event: `start` and `end` in seconds of film time, `phrase` or `label`, and where
wanted `film`, `score` and `threshold`, as `events.csv` of `avtool caption` has them. No torch is needed.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avtool.captioning.event import SoundEvent
from avtool.core.errors import BadInputError
from avtool.core.files import csv_value
from avtool.core.reporter import Reporter
from avtool.data.items import Item
from avtool.inference.captioner import CAPTIONERS, CaptionerKind, FilmSounds, ModelOptions
from avtool.media.probe import probe

SUFFIX = ".csv"
_NEEDED = ("start", "end")
_COLUMNS = "its first line is film,start,end,phrase"


def is_event_table(model: Path) -> bool:
    """Whether `--model` names a table of events, by its suffix."""
    return model.suffix.lower() == SUFFIX and not model.is_dir()


@dataclass
class EventTable:
    """The events of a table, as `avtool caption` takes those of a model.

    Attributes:
        path: the table.
        note: it in a line, for the caption files.
        events: (film, event) in the table's order; the film is "" where the table has no such column.
        threshold: events of a lower score are skipped.
    """

    path: Path
    note: str
    events: tuple[tuple[str, SoundEvent], ...]
    threshold: float

    def listen(self, film: Item, reporter: Reporter) -> FilmSounds:
        """The events of a film: those with its path, or its file name, or without any film.

        Raises:
            BadInputError: the film cannot be read, or has no duration.
        """
        info = probe(film.path)
        if info.duration_s is None:
            raise BadInputError(f"the duration of `{film.path}` is unknown", "remux it first")
        names = {film.name, str(film.path), film.path.name, film.path.stem, ""}
        known = any(name in names for name, _ in self.events)
        if not known:
            reporter.warn(f"{film.name}: no row of `{self.path}` names this film")
        found = [event for name, event in self.events if name in names and event.score >= self.threshold]
        return FilmSounds(info.duration_s, sorted(found, key=lambda event: (event.start, event.end)))


def open_event_table(path: Path, options: ModelOptions, reporter: Reporter) -> EventTable:  # noqa: ARG001
    """Reads a table of events.

    Args:
        path: a CSV table in UTF-8.
        options: `threshold` skips events of a lower score; phrases come from the table.
        reporter: gets nothing.

    Raises:
        BadInputError: it cannot be read, lacks a column, or a row is no event.
    """
    if options.phrases or options.texts or options.thresholds or options.decoding:
        message = f"`{path}` is a table of events, which has its own phrases and scores"
        raise BadInputError(message, "run it without --phrases and --thresholds, or give a model")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = reader.fieldnames or []
            missing = [name for name in _NEEDED if name not in columns]
            if missing or not {"phrase", "label"} & set(columns):
                lacking = missing[0] if missing else "phrase"
                raise BadInputError(f"`{path}` has no column `{lacking}`", _COLUMNS)
            events = tuple(_event(path, number, row) for number, row in enumerate(reader, 2))
    except OSError as error:
        raise BadInputError(f"cannot read `{path}`: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"`{path}` is not a CSV file in UTF-8 ({error})") from error
    return EventTable(path, f"events of {path.name}", events, options.threshold or 0.0)


def _event(path: Path, line: int, row: Mapping[str, str | None]) -> tuple[str, SoundEvent]:
    cells = {name: csv_value((cell or "").strip()) for name, cell in row.items() if isinstance(name, str)}
    where = f"`{path}` line {line}"
    start, end = (_number(where, name, cells.get(name, "")) for name in _NEEDED)
    if end < start:
        raise BadInputError(f"{where}: the event ends at {end:g} s, before its start at {start:g} s")
    label = cells.get("label") or None
    phrase = cells.get("phrase") or (label or "").replace("_", " ")
    if not phrase:
        raise BadInputError(f"{where} has neither phrase nor label", _COLUMNS)
    score = _number(where, "score", cells.get("score") or "1")
    threshold = _number(where, "threshold", cells.get("threshold") or "0.5")
    if max(score, threshold) > 1:
        raise BadInputError(f"{where}: score {score:g}, threshold {threshold:g}", "give numbers from 0 to 1")
    return cells.get("film", ""), SoundEvent(start, end, phrase, score, label, threshold)


def _number(where: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise BadInputError(f"{where}: {name} is `{text:.40}`", "give a number of at least 0")
    return value


CAPTIONERS.add(
    "event-table",
    CaptionerKind("a table of events", lambda _: False, open_event_table, takes_file=is_event_table),
)
