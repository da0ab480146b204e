"""The manifest of a mined dataset: the common columns, then those of mining."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from avtool.core.addresses import is_address
from avtool.core.files import atomic_file
from avtool.core.manifest_columns import COLUMNS
from avtool.mining.cue_class import CueClass
from avtool.mining.events import Event
from avtool.mining.film_record import FilmRecord
from avtool.mining.recipe import MineRecipe

CLIPS = "clips"
_OWN = pa.schema(
    [
        ("film", pa.string()), ("event_id", pa.string()),
        ("film_start", pa.float64()), ("film_end", pa.float64()),
        ("event_start", pa.float64()), ("event_end", pa.float64()), ("tag_raw", pa.string()),
        ("sounds", pa.list_(pa.string())), ("sources_stated", pa.list_(pa.string())),
        ("sources_default", pa.list_(pa.string())), ("qualities", pa.list_(pa.string())),
        ("aspect", pa.string()), ("speaker", pa.string()), ("lyrics", pa.bool_()),
        ("time_source", pa.string()), ("conf", pa.float64()), ("rule_id", pa.string()),
    ]
)  # fmt: skip
_SCHEMA = pa.schema([*COLUMNS, *_OWN])
MINED = {field.name: field.type for field in _OWN}
"""The columns that mining adds, with their types."""


KIND_COLUMNS = ("kind", "kind_probability", "kind_method")


@dataclass(frozen=True)
class ManifestRow:
    """An event with what depends on the whole dataset: its split and its classes."""

    event: Event
    record: FilmRecord
    split: str
    labels: tuple[str, ...]
    kind: CueClass | None = None


def write_manifest(path: Path, rows: Sequence[ManifestRow], recipe: MineRecipe) -> None:
    """Writes a row a clip, sorted by film and time."""
    columns, schema = [_columns(row, recipe) for row in rows], _SCHEMA
    if any(row.kind for row in rows):
        for values, row in zip(columns, rows, strict=True):
            values |= dict(zip(KIND_COLUMNS, kind_cells(row.kind), strict=True))
        for name, kind in zip(KIND_COLUMNS, (pa.string(), pa.float64(), pa.string()), strict=True):
            schema = schema.append(pa.field(name, kind))
    table = pa.Table.from_pylist(columns, schema=schema)
    with atomic_file(path) as partial:
        parquet.write_table(table, partial, compression="zstd")


def kind_cells(kind: CueClass | None) -> list[Any]:
    """The values of `KIND_COLUMNS`; none without a kind."""
    return [kind.label, kind.probability, kind.method] if kind else []


def _columns(row: ManifestRow, recipe: MineRecipe) -> dict[str, Any]:
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
