"""`report.html` and `report.json` of a mined dataset."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avtool.core.environment import versions
from avtool.core.files import write_json
from avtool.core.recipe import iter_keys
from avtool.core.report.page import data_uri, write_page
from avtool.media.preview import read_audio, spectrogram_png
from avtool.mining.events import UntaggedTag
from avtool.mining.film_clips import preview_path
from avtool.mining.film_record import FilmRecord
from avtool.mining.recipe import MineRecipe
from avtool.mining.report.event_table import event_data
from avtool.mining.report.figures import alignment_figure
from avtool.mining.taxonomy import ClassCount, Taxonomy

_TEMPLATE = Path(__file__).parent / "report.html"
_SCRIPT = Path(__file__).parent / "report.js"
_MOST_BARS = 30
_MOST_CARDS = 24
_MOST_PLOTS = 40
_MOST_UNTAGGED = 30

Failure = tuple[str, str, str]
"""Film id, film, error."""


@dataclass(frozen=True)
class DatasetSummary:
    """A mined dataset in numbers.

    `unlabelled` events state a source and no sound; `untagged` tags have no label at all; `doubtful` texts
    may name a sound and were taken for something else.
    """

    films: int
    events: int
    hours: float
    sounds: int
    classes: int
    untagged: int
    top_sounds: tuple[tuple[str, int], ...]
    unlabelled: int = 0
    doubtful: int = 0


def write_report(
    folder: Path,
    records: Sequence[FilmRecord],
    failures: Sequence[Failure],
    splits: dict[str, str],
    taxonomy: Taxonomy,
    untagged: Sequence[UntaggedTag],
    summary: DatasetSummary,
    recipe: MineRecipe,
) -> None:
    """Writes the page for people and the numbers for machines, beside the manifest."""
    least_certain = sorted((r for r in records if r.plot), key=lambda record: record.sync["confidence"])
    values = recipe.model_dump(mode="json")
    write_json(folder / "report.json", _numbers(records, failures, summary))
    write_page(
        folder / "report.html",
        _TEMPLATE,
        script=_SCRIPT,
        opening=_opening(records),
        facts=_facts(summary),
        cards=list(_cards(folder, records)),
        nyquist=f"{recipe.clip.sample_rate / 2000:g}",
        collar=f"{recipe.clip.collar:g}",
        events=event_data(records, cut=recipe.clip.format != "none"),
        counts=[(title, _bars(counts), len(counts)) for title, counts in _dimensions(taxonomy) if counts],
        films=[{"record": record, "split": splits[record.film_id]} for record in records],
        failures=failures,
        plots=[
            (record, alignment_figure(record.plot), alignment_figure(record.plot, narrow=True))
            for record in least_certain[:_MOST_PLOTS]
        ],
        untagged=untagged[:_MOST_UNTAGGED],
        settings=[(key, _lookup(values, key)) for key, _ in iter_keys(MineRecipe)],
    )


def write_events_report(
    folder: Path,
    records: Sequence[FilmRecord],
    failures: Sequence[Failure],
    splits: Mapping[str, str],
    *,
    cut: bool,
) -> None:
    """Writes the page of a dataset whose clips were made again: events, counts and films, no captions.

    Args:
        folder: the artifact being built.
        records: the films, of which names, durations and events are read.
        failures: the films that were not cut.
        splits: of each film.
        cut: whether the events have clip files to link to.
    """
    events = [event for record in records for event in record.events]
    taxonomy = Taxonomy.of(events)
    hours = sum(record.duration_s for record in records) / 3600
    write_page(
        folder / "report.html",
        _TEMPLATE,
        script=_SCRIPT,
        opening="clips made again from the films, events",
        facts=[
            ("events", f"{len(events):,}"),
            ("different sounds", f"{len(taxonomy.sounds):,}"),
            ("hours of film", f"{hours:.2f}"),
        ],
        events=event_data(records, cut=cut),
        counts=[(title, _bars(counts), len(counts)) for title, counts in _dimensions(taxonomy) if counts],
        films=[{"record": record, "split": splits[record.film_id]} for record in records],
        failures=failures,
        cards=[],
        plots=[],
        untagged=[],
        settings=[],
    )


def _opening(records: Sequence[FilmRecord]) -> str:
    """What was done with the captions' times, in the page's first line."""
    unchecked = sum(record.sync["decision"] in {"skipped", "refused"} for record in records)
    if not unchecked:
        return "captions synchronised with speech, tags"
    if unchecked == len(records):
        return "captions with their own times, unchecked, tags"
    return f"captions synchronised with speech in all but {unchecked}, tags"


def _dimensions(taxonomy: Taxonomy) -> list[tuple[str, Sequence[ClassCount]]]:
    return [("Sounds", taxonomy.sounds), ("Sources", taxonomy.sources), ("Qualities", taxonomy.qualities)]


def _bars(counts: Sequence[ClassCount]) -> list[tuple[str, int, str]]:
    """The most frequent labels: label, count, and the bar's length in per cent of the longest."""
    most = max(entry.count for entry in counts)
    return [(entry.label, entry.count, f"{100 * entry.count / most:.1f}") for entry in counts[:_MOST_BARS]]


def _facts(summary: DatasetSummary) -> list[tuple[str, str]]:
    return [
        ("events", f"{summary.events:,}"),
        ("different sounds", f"{summary.sounds:,}"),
        ("classes", f"{summary.classes:,}"),
        ("hours of film", f"{summary.hours:.2f}"),
        ("events an hour", f"{summary.events / max(summary.hours, 1e-9):,.0f}"),
        ("events without a sound label", f"{summary.unlabelled:,}"),
        ("tags without a label", f"{summary.untagged:,}"),
        ("sounds in doubt", f"{summary.doubtful:,}"),
    ]


def _cards(folder: Path, records: Sequence[FilmRecord]) -> Iterator[dict[str, Any]]:
    """Previews taken from the films in turn, so that every film is heard."""
    queues = [
        [(record, event) for event in record.events if event.event_id in set(record.previews)]
        for record in records
    ]
    in_turn = [item for items in itertools.zip_longest(*queues) for item in items if item]
    for record, event in in_turn[:_MOST_CARDS]:
        sound = preview_path(folder / "clips" / record.film_id, event.event_id).read_bytes()
        samples, sample_rate = read_audio(sound)
        yield {
            "event": event,
            "sound": data_uri(sound, "audio/mpeg"),
            "spectrogram": data_uri(spectrogram_png(samples, sample_rate), "image/png"),
        }


def _numbers(
    records: Sequence[FilmRecord], failures: Sequence[Failure], summary: DatasetSummary
) -> dict[str, Any]:
    rules: Counter[str] = Counter()
    mended: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for record in records:
        rules.update(record.rules)
        mended.update(record.captions["mended"])
        seconds.update(record.timings)
    return {
        "summary": asdict(summary),
        "grammar_rules": dict(sorted(rules.items())),
        "captions_mended": dict(sorted(mended.items())),
        "seconds": {step: round(value, 3) for step, value in seconds.items()},
        "failures": [{"film_id": film_id, "film": film, "error": error} for film_id, film, error in failures],
        "versions": versions(),
    }


def _lookup(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values
