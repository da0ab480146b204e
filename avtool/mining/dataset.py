"""A mined dataset of all films: manifest, class lists, splits, tables and report."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from avtool.core.files import write_csv
from avtool.core.report.page import optional_report
from avtool.core.reporter import Reporter
from avtool.mining.cue_class import REVIEW_COLUMNS, CueClass, review_rows
from avtool.mining.event_files import write_event_files
from avtool.mining.events import Event, UntaggedTag
from avtool.mining.film_record import FilmRecord
from avtool.mining.film_split import SPLIT_NAMES, split_films
from avtool.mining.manifest import ManifestRow, write_manifest
from avtool.mining.recipe import MineRecipe
from avtool.mining.report.write import DatasetSummary, Failure, write_report
from avtool.mining.review.apply import RULE
from avtool.mining.taxonomy import LabelMap, Taxonomy, choose_classes, read_label_map

Kinds = Callable[[Sequence[str]], Sequence[CueClass]]
"""Cues → their kinds."""
_AUTO_SHARES = (0.8, 0.1, 0.1)
_TOP = 10
_FILM_COLUMNS = [
    "film_id", "film", "captions", "audio_stream", "language", "status", "minutes", "events", "split",
    "time_map", "z", "error",
]  # fmt: skip


def write_dataset(
    folder: Path,
    records: Sequence[FilmRecord],
    failures: Sequence[Failure],
    recipe: MineRecipe,
    reporter: Reporter,
    kinds: Kinds | None = None,
) -> DatasetSummary:
    """Writes everything of a mined dataset but the clips, which stand in `folder/clips` already.

    Args:
        folder: the artifact being built.
        records: the mined films, in the order of the command line.
        failures: the films that could not be mined.
        recipe: the settings.
        reporter: gets a note when the films are too few to be split.
        kinds: classifies cues by the kind of their source; None writes no kinds.

    Raises:
        BadInputError: the films are fewer than the splits, or the taxonomy file is wrong.
    """
    if recipe.taxonomy:
        label_map = read_label_map(recipe.taxonomy)
        records = [_mapped(record, label_map) for record in records]
    events = [event for record in records for event in record.events]
    taxonomy = Taxonomy.of(events)
    classes = choose_classes(taxonomy.sounds, recipe.classes, recipe.min_count)
    chosen = set(classes)
    splits = _splits(records, recipe, reporter)
    found = list(kinds([event.tag_clean for event in events])) if kinds else [None] * len(events)
    kind_of = iter(found)
    rows = [
        ManifestRow(
            event,
            record,
            splits[record.film_id],
            tuple(s for s in event.sounds if s in chosen),
            next(kind_of),
        )
        for record in records
        for event in record.events
    ]
    write_manifest(folder / "manifest.parquet", rows, recipe)
    write_event_files(
        folder, events, [row.split for row in rows], recipe.clip,
        films=[record.film_id for record in records], kinds=found,
    )  # fmt: skip
    if kinds:
        _write_review(folder / "review.csv", events, found, reporter)
    taxonomy.write(folder / "labels")
    write_csv(folder / "labels" / "classes.csv", ["index", "label"], list(enumerate(classes)))
    untagged = count_untagged(records)
    _write_untagged(folder / "untagged.csv", untagged)
    _write_films(folder / "films.csv", records, failures, splits)
    counts = tuple((entry.label, entry.count) for entry in taxonomy.sounds)
    hours = round(sum(record.duration_s for record in records) / 3600, 4)
    summary = DatasetSummary(
        films=len(records),
        events=len(events),
        hours=hours,
        sounds=len(counts),
        classes=len(classes),
        untagged=sum(entry.count for entry in untagged if entry.reason == "no label"),
        top_sounds=counts[:_TOP],
        unlabelled=sum(not event.sounds for event in events),
        doubtful=sum(entry.count for entry in untagged if entry.reason != "no label"),
    )
    _report_doubts(summary, reporter)
    with optional_report(reporter):
        write_report(folder, records, failures, splits, taxonomy, untagged, summary, recipe)
    return summary


def check_settings(recipe: MineRecipe, num_films: int) -> None:
    """Refuses before any film is mined what would fail after all of them.

    Raises:
        BadInputError: the taxonomy file is wrong, or the films are too few for the splits.
    """
    if recipe.taxonomy:
        read_label_map(recipe.taxonomy)
    if isinstance(recipe.split, tuple):
        split_films(dict.fromkeys(map(str, range(num_films)), 1), recipe.split)


def _mapped(record: FilmRecord, label_map: LabelMap) -> FilmRecord:
    """The film with its sounds under the names of the user's taxonomy."""
    events = [
        replace(event, sounds=label_map(event.sounds, keep=event.rule_id == RULE)) for event in record.events
    ]
    return replace(record, events=events)


def _splits(records: Sequence[FilmRecord], recipe: MineRecipe, reporter: Reporter) -> dict[str, str]:
    counts = {record.film_id: record.mined_events or len(record.events) for record in records}
    if isinstance(recipe.split, tuple):
        return split_films(counts, recipe.split, recipe.seed)
    if recipe.split == "none" or len(records) < len(SPLIT_NAMES):
        if recipe.split == "auto":
            reporter.info("all films are in `train`: fewer than three films are not split")
        return split_films(counts, None)
    return split_films(counts, _AUTO_SHARES, recipe.seed)


def _write_review(
    path: Path, events: Sequence[Event], kinds: Sequence[CueClass | None], reporter: Reporter
) -> None:
    """The cues whose kind the model is not sure of, once each."""
    counts = Counter(event.tag_clean for event in events)
    unique = {event.tag_clean: kind for event, kind in zip(events, kinds, strict=True) if kind}
    rows = review_rows(list(unique), counts, list(unique.values()))
    write_csv(path, REVIEW_COLUMNS, rows)
    if rows:
        reporter.info(f"{len(rows)} cues are of no sure kind: see `{path.name}`")


def count_untagged(records: Sequence[FilmRecord]) -> list[UntaggedTag]:
    """The tags without a label and the texts in doubt of all films, each once, the most frequent first."""
    found: dict[tuple[str, str, str], UntaggedTag] = {}
    for record in records:
        for entry in record.untagged:
            key = (entry.tag, entry.reason, entry.rule)
            seen = found.get(key)
            found[key] = replace(seen, count=seen.count + entry.count) if seen else entry
    return sorted(found.values(), key=lambda entry: (-entry.count, entry.tag, entry.reason, entry.rule))


def _write_untagged(path: Path, untagged: Sequence[UntaggedTag]) -> None:
    rows = ([entry.tag, entry.count, entry.example, entry.reason, entry.rule] for entry in untagged)
    write_csv(path, ["tag", "count", "example", "taken_for", "rule"], rows)


def _report_doubts(summary: DatasetSummary, reporter: Reporter) -> None:
    if summary.unlabelled:
        reporter.info(f"{summary.unlabelled} of {summary.events} events state a source and no sound")
    if summary.untagged or summary.doubtful:
        reporter.info(
            f"{summary.untagged} tags without a label, {summary.doubtful} texts that may name a sound"
            " and were taken for something else: untagged.csv"
        )


def _write_films(
    path: Path, records: Sequence[FilmRecord], failures: Sequence[Failure], splits: dict[str, str]
) -> None:
    rows: list[list[Any]] = [
        [
            record.film_id, record.film, record.captions["source"], record.audio_stream,
            record.captions.get("language", ""), "mined", round(record.duration_s / 60, 2),
            len(record.events), splits[record.film_id], record.sync_in_words, record.sync["z"], "",
        ]
        for record in records
    ]  # fmt: skip
    rows += [
        [film_id, film, "", "", "", "failed", "", 0, "", "", "", error] for film_id, film, error in failures
    ]
    write_csv(path, _FILM_COLUMNS, rows)
