"""The files of a mined dataset that follow from its manifest: tables, timelines, and SAM-S's lists."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from avtool.core.errors import CorruptArtifactError
from avtool.core.files import inside, write_csv
from avtool.mining.cue_class import CueClass
from avtool.mining.events import Event
from avtool.mining.film_clips import clip_name
from avtool.mining.manifest import CLIPS, KIND_COLUMNS, MINED, kind_cells
from avtool.mining.recipe import ClipRecipe
from avtool.mining.report.event_table import TIMED
from avtool.mining.sams_layout import SamsClip, write_sams_json
from avtool.mining.tagger import coarse_sources
from avtool.mining.timelines import COLUMNS, event_columns, event_row, write_timelines

_LISTS = ("sounds", "sources_stated", "sources_default", "qualities")
_TIMES = ("film_start", "film_end", "event_start", "event_end")
_LONGEST_S = 1e6


def write_event_files(
    folder: Path,
    events: Sequence[Event],
    splits: Sequence[str],
    clip: ClipRecipe,
    *,
    films: Iterable[str] = (),
    kinds: Sequence[CueClass | None] | None = None,
) -> None:
    """Writes `events.csv`, `events/FILM.csv`, `.vtt` and `.txt`, and `sams/SPLIT.json`.

    Args:
        folder: the artifact being built.
        events: of all films, in the order of the manifest.
        splits: for each event.
        clip: the settings of the clips.
        films: that have timelines even where they have no event.
        kinds: of each event's source, where they were classified.

    Raises:
        CorruptArtifactError: a split has the name of a file outside of `sams`.
    """
    found = kinds or [None] * len(events)
    columns = [*event_columns(), *(KIND_COLUMNS if any(found) else ())]
    rows = ([*event_row(event), *kind_cells(kind)] for event, kind in zip(events, found, strict=True))
    write_csv(folder / "events.csv", columns, rows)
    by_film: dict[str, list[Event]] = {film: [] for film in films}
    for event in events:
        by_film.setdefault(event.film_id, []).append(event)
    write_timelines(folder, by_film)
    for split in sorted(set(splits)):
        chosen = [event for event, one in zip(events, splits, strict=True) if one == split]
        path = inside(folder / "sams", f"{split}.json")
        write_sams_json(path, [_sams_clip(event, clip) for event in chosen])


def _sams_clip(event: Event, clip: ClipRecipe) -> SamsClip:
    sources = coarse_sources(event.sources_stated) or event.sources_default
    return SamsClip(f"{event.film_id}/{clip_name(event, clip)}", event.sounds, sources)


def read_events(table: pa.Table, origin: str) -> tuple[list[Event], list[CueClass | None]] | None:
    """The events of a manifest that mining wrote, and the kinds of their sources.

    Args:
        table: the manifest, with the common columns.
        origin: its name, for messages.

    Returns:
        None where it lacks the columns of mining.

    Raises:
        CorruptArtifactError: a row makes no sense: the manifest may come from anybody.
    """
    fields = {one.name: one.type for one in table.schema}
    if any(name not in fields or not _alike(fields[name], kind) for name, kind in MINED.items()):
        return None
    rows = table.to_pylist()
    events = [_event(row, f"`{origin}`: `{row['clip_id']!r:.200}`") for row in rows]
    has_kinds = all(name in fields for name in KIND_COLUMNS)
    return events, [_kind(row) if has_kinds else None for row in rows]


def _alike(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether types are equal but for the name that a list gives its values."""
    if pa.types.is_list(wanted):
        return pa.types.is_list(found) and bool(found.value_type == wanted.value_type)
    return bool(found == wanted)


def _event(row: Mapping[str, Any], where: str) -> Event:
    times = [row[name] for name in _TIMES]
    if any(time is None or not 0 <= time <= _LONGEST_S for time in times) or not _is_share(row["conf"]):
        raise CorruptArtifactError(f"{where} has no times or no confidence", "get the manifest again")
    film, number = row["group"], row["event_id"]
    if not (_is_name(film) and _is_name(number)) or row["time_source"] not in TIMED:
        raise CorruptArtifactError(f"{where} has names that mining does not give", "get the manifest again")
    values = {name: row[COLUMNS.get(name, name)] for name in Event.__dataclass_fields__ if name not in _OWN}
    values |= {name: tuple(row[name] or ()) for name in _LISTS}
    media = str(row["media"])
    path = media.removeprefix(f"{CLIPS}/{film}/")
    return Event(**values, film_id=film, tag_clean=row["text"], clip_path="" if path == media else path)


_OWN = {"film_id", "tag_clean", "clip_path"}
"""Fields of an event that the manifest names otherwise."""


def _is_share(value: float | None) -> bool:
    """Whether a number from 0 to 1 is there; NaN is none."""
    return value is not None and 0 <= value <= 1


def _is_name(text: object) -> bool:
    """Whether a text may be the name of a file, without folders."""
    return (
        isinstance(text, str)
        and 0 < len(text.encode()) <= 200
        and text.isprintable()
        and not text.startswith(".")
        and "/" not in text
    )


def _kind(row: Mapping[str, Any]) -> CueClass | None:
    label = row["kind"]
    return CueClass(label, row["kind_probability"], row["kind_method"], label) if label is not None else None
