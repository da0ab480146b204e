"""Puts the mined films together: the manifest, the label lists, the splits, and the tables for people."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avtool.core.files import atomic_file, write_text
from avtool.core.reporter import Reporter
from avtool.media.addresses import is_address
from avtool.mining.events import Event
from avtool.mining.film_clips import clip_name
from avtool.mining.film_record import FilmRecord
from avtool.mining.film_split import SPLIT_NAMES, split_films
from avtool.mining.recipe import MineRecipe
from avtool.mining.report.write import write_report
from avtool.mining.sams_layout import SamsClip, write_sams_json
from avtool.mining.tagger import coarse_sources
from avtool.mining.taxonomy import LabelMap, Taxonomy, choose_classes, read_label_map

CLIPS = "clips"
_AUTO_SHARES = (0.8, 0.1, 0.1)
_TOP = 10

Failure = tuple[str, str, str]
"""film id, film, error."""


@dataclass(frozen=True)
class DatasetSummary:
    """The data set in numbers."""

    films: int
    events: int
    hours: float
    sounds: int
    classes: int
    untagged: int
    top_sounds: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class _Row:
    """An event with what only the whole data set can tell."""

    event: Event
    record: FilmRecord
    split: str
    labels: tuple[str, ...]


def write_dataset(
    folder: Path,
    records: Sequence[FilmRecord],
    failures: Sequence[Failure],
    recipe: MineRecipe,
    reporter: Reporter,
) -> DatasetSummary:
    """Writes everything of a mined data set but the clips, which stand in `folder/clips` already.

    Args:
        folder: the artifact being built.
        records: the mined films, in the order of the command line.
        failures: the films that could not be mined.
        recipe: the settings.
        reporter: told when the films are too few to be split.

    Raises:
        BadInputError: the films are fewer than the splits asked for, or the taxonomy file is wrong.
    """
    if recipe.taxonomy:
        label_map = read_label_map(recipe.taxonomy)
        records = [_mapped(record, label_map) for record in records]
    events = [event for record in records for event in record.events]
    taxonomy = Taxonomy.of(events)
    classes = choose_classes(taxonomy.sounds, recipe.classes, recipe.min_count)
    chosen = set(classes)
    splits = _splits(records, recipe, reporter)
    rows = [
        _Row(event, record, splits[record.film_id], tuple(s for s in event.sounds if s in chosen))
        for record in records
        for event in record.events
    ]
    _write_manifest(folder / "manifest.parquet", rows, recipe)
    _write_events(folder / "events.csv", events)
    taxonomy.write(folder / "labels")
    write_text(folder / "labels" / "classes.csv", _csv(["index", "label"], enumerate(classes)))
    _write_sams(folder / "sams", rows, recipe)
    untagged = _write_untagged(folder / "untagged.csv", records)
    _write_films(folder / "films.csv", records, failures, splits)
    counts = tuple((entry.label, entry.count) for entry in taxonomy.sounds)
    hours = round(sum(record.duration_s for record in records) / 3600, 4)
    summary = DatasetSummary(
        len(records), len(events), hours, len(counts), len(classes), sum(untagged.values()), counts[:_TOP]
    )
    write_report(folder, records, failures, splits, taxonomy, untagged, summary, recipe)
    return summary


def check_settings(recipe: MineRecipe, num_films: int) -> None:
    """Refuses before any film is mined what would fail after all of them.

    Raises:
        BadInputError: the taxonomy file is wrong, or the films are too few for the splits asked for.
    """
    if recipe.taxonomy:
        read_label_map(recipe.taxonomy)
    if isinstance(recipe.split, tuple):
        split_films(dict.fromkeys(map(str, range(num_films)), 1), recipe.split)


def _mapped(record: FilmRecord, label_map: LabelMap) -> FilmRecord:
    """The film with its sounds under the names of the user's taxonomy."""
    return replace(record, events=[replace(e, sounds=label_map(e.sounds)) for e in record.events])


def _splits(records: Sequence[FilmRecord], recipe: MineRecipe, reporter: Reporter) -> dict[str, str]:
    counts = {record.film_id: len(record.events) for record in records}
    if isinstance(recipe.split, tuple):
        return split_films(counts, recipe.split, recipe.seed)
    if recipe.split == "none" or len(records) < len(SPLIT_NAMES):
        if recipe.split == "auto":
            reporter.info("all films are in `train`: fewer than three films are not split")
        return split_films(counts, None)
    return split_films(counts, _AUTO_SHARES, recipe.seed)


def _write_manifest(path: Path, rows: Sequence[_Row], recipe: MineRecipe) -> None:
    """A row a clip, sorted by film and time; the columns of every data set first, then those of mining."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    schema = pa.schema(
        [
            ("clip_id", pa.string()), ("media", pa.string()), ("start", pa.float64()), ("end", pa.float64()),
            ("split", pa.string()), ("fold", pa.int32()), ("labels", pa.list_(pa.string())),
            ("text", pa.string()), ("group", pa.string()), ("film", pa.string()), ("event_id", pa.string()),
            ("film_start", pa.float64()), ("film_end", pa.float64()),
            ("event_start", pa.float64()), ("event_end", pa.float64()), ("tag_raw", pa.string()),
            ("sounds", pa.list_(pa.string())), ("sources_stated", pa.list_(pa.string())),
            ("sources_default", pa.list_(pa.string())), ("qualities", pa.list_(pa.string())),
            ("aspect", pa.string()), ("speaker", pa.string()), ("lyrics", pa.bool_()),
            ("time_source", pa.string()), ("conf", pa.float64()), ("rule_id", pa.string()),
        ]
    )  # fmt: skip
    table = pa.Table.from_pylist([_manifest_row(row, recipe) for row in rows], schema=schema)
    with atomic_file(path) as partial:
        parquet.write_table(table, partial, compression="zstd")


def _manifest_row(row: _Row, recipe: MineRecipe) -> dict[str, Any]:
    event = row.event
    film = row.record.film
    film = film if is_address(film) else str(Path(film).absolute())
    cut = recipe.clip.format != "none"
    return {
        "clip_id": f"{event.film_id}/{event.event_id}",
        "media": f"{CLIPS}/{event.film_id}/{event.clip_path}" if cut else film,
        "start": 0.0 if cut else event.start,
        "end": round(event.end - event.start, 6) if cut else event.end,
        "split": row.split,
        "fold": None,
        "labels": list(row.labels),
        "text": event.tag_clean,
        "group": event.film_id,
        "film": film,
        "event_id": event.event_id,
        "film_start": event.start,
        "film_end": event.end,
        "event_start": event.start_raw,
        "event_end": event.end_raw,
        "tag_raw": event.tag_raw,
        "sounds": list(event.sounds),
        "sources_stated": list(event.sources_stated),
        "sources_default": list(event.sources_default),
        "qualities": list(event.qualities),
        "aspect": event.aspect,
        "speaker": event.speaker,
        "lyrics": event.lyrics,
        "time_source": event.time_source,
        "conf": event.conf,
        "rule_id": event.rule_id,
    }


def _write_events(path: Path, events: Sequence[Event]) -> None:
    names = list(Event.__dataclass_fields__)
    rows = ([_cell(getattr(event, name)) for name in names] for event in events)
    write_text(path, _csv(names, rows))


def _cell(value: Any) -> Any:
    return ";".join(value) if isinstance(value, tuple) else value


def _write_sams(folder: Path, rows: Sequence[_Row], recipe: MineRecipe) -> None:
    for split in sorted({row.split for row in rows}):
        clips = [
            SamsClip(
                f"{row.event.film_id}/{clip_name(row.event, recipe.clip)}",
                row.event.sounds,
                coarse_sources(row.event.sources_stated) or row.event.sources_default,
            )
            for row in rows
            if row.split == split
        ]
        write_sams_json(folder / f"{split}.json", clips)


def _write_untagged(path: Path, records: Sequence[FilmRecord]) -> Counter[str]:
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for record in records:
        for entry in record.untagged:
            counts[entry.tag] += entry.count
            examples.setdefault(entry.tag, entry.example)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    write_text(path, _csv(["tag", "count", "example"], ([tag, n, examples[tag]] for tag, n in ordered)))
    return counts


def _write_films(
    path: Path, records: Sequence[FilmRecord], failures: Sequence[Failure], splits: dict[str, str]
) -> None:
    columns = [
        "film_id",
        "film",
        "captions",
        "status",
        "minutes",
        "events",
        "split",
        "time_map",
        "z",
        "error",
    ]
    rows: list[list[Any]] = [
        [
            record.film_id, record.film, record.captions["source"], "mined", round(record.duration_s / 60, 2),
            len(record.events), splits[record.film_id], record.sync_in_words, record.sync["z"], "",
        ]
        for record in records
    ]  # fmt: skip
    rows += [[film_id, film, "", "failed", "", 0, "", "", "", error] for film_id, film, error in failures]
    write_text(path, _csv(columns, rows))


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
