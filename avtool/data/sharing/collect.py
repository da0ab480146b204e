"""The annotations of a dataset on this machine: its films by content, its clips by hash."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from avtool.core.addresses import is_address
from avtool.core.artifact import read_artifact
from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError
from avtool.core.files import inside, read_json, sha256_of
from avtool.core.manifest_columns import checked_table, distinct_rows
from avtool.data.dataset import shard_files
from avtool.data.labels import LABELS
from avtool.data.manifest import find_manifest, read_columns
from avtool.data.media_files import local_media
from avtool.data.sharing.annotations import Annotations, Film, check_splits
from avtool.media.probe import probe
from avtool.mining.film_record import read_record
from avtool.mining.manifest import CLIPS
from avtool.mining.recipe import ClipRecipe

SOURCES = "films"
"""Of a dataset that was made again: a JSON file a film."""
_SOURCE = ("media", "film", "group")
"""The columns that a clip's film follows from."""
_MEDIA_HINT = "put the film back, or mine it again: an export names films by their content"


def collect_annotations(dataset: Path) -> Annotations:
    """What may be published of a dataset: everything but its media and the folders of this machine.

    Args:
        dataset: a `dataset` artifact: mined, prepared or made again.

    Raises:
        BadInputError: it is none, holds shards, or a medium that no record names is missing.
        CorruptArtifactError: it is damaged.
    """
    card = read_artifact(dataset, "dataset")
    if shard_files(dataset):
        raise BadInputError(f"`{dataset}` holds shards", "export the dataset that they were written from")
    table = read_columns(find_manifest(dataset))
    checked_table(table, str(dataset))
    if not table.num_rows:
        raise BadInputError(f"`{dataset}` has no clips", "prepare it again")
    settings = _clip_settings(card.recipe)
    films = _Films(dataset)
    numbers, rows = distinct_rows(table.select([name for name in _SOURCE if name in table.column_names]))
    media, owners, groups = (_values(table, name, rows) for name in _SOURCE)
    names, places, hashes = [], [], []
    for name, film, group in zip(media, owners, groups, strict=True):
        cut = bool(film) and settings is not None and not is_address(name) and not Path(name).is_absolute()
        places.append(films.place(film if cut else name, group or ""))
        hashes.append(_hash(dataset, name) if cut else "")
        names.append(name if cut else _plain(name))
    table = _with(table, "media", names, numbers)
    if "film" in table.column_names:
        table = _with(table, "film", [_plain(film) if film else film for film in owners], numbers)
    labels = sorted((dataset / LABELS).glob("*.csv"))
    used = settings if any(hashes) else None
    found = Annotations(
        dataset.resolve().name, table, films.found, np.array(places, np.int32)[numbers],
        np.array(hashes, object)[numbers].tolist(), used, labels,
    )  # fmt: skip
    check_splits(found, str(dataset))
    return found


def _values(table: pa.Table, name: str, rows: NDArray[np.int64]) -> list[Any]:
    """The values of a column in some rows; empty texts where there is no such column."""
    if name not in table.column_names:
        return [""] * len(rows)
    values: list[Any] = table[name].take(pa.array(rows)).to_pylist()
    return values


def _clip_settings(recipe: Mapping[str, Any]) -> ClipRecipe | None:
    values = recipe.get("clip")
    try:
        settings = ClipRecipe.model_validate(values) if isinstance(values, Mapping) else None
    except ValueError:
        return None
    return settings if settings and settings.format != "none" else None


def _with(table: pa.Table, name: str, values: list[Any], numbers: NDArray[np.int32]) -> pa.Table:
    """The table with other text in a column: of each row that of its number."""
    column = pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(values, pa.string()))
    return table.set_column(table.schema.get_field_index(name), name, column)


def _plain(name: str) -> str:
    """A file's name without its folders."""
    return name.rstrip("/").rpartition("/")[2] or name


def _hash(dataset: Path, name: str) -> str:
    path = inside(dataset, name)
    if not path.is_file():
        raise BadInputError(f"`{path}` is missing", "export the dataset where its clips are")
    return sha256_of(path)


class _Films:
    """The films of a dataset, each once, in the order of their first clips."""

    def __init__(self, dataset: Path) -> None:
        self.dataset = dataset
        self.found: list[Film] = []
        self._places: dict[str, int] = {}
        self._ids: set[str] = set()
        self._rebuilt = _rebuilt_films(dataset)

    def place(self, name: str, group: str) -> int:
        """The index of a film by its path or address."""
        if name not in self._places:
            film = self._rebuilt.get(name) or self._recorded(name, group) or self._hashed(name, group)
            if film.id in self._ids:
                film = replace(film, id=f"{film.id}-{len(self.found)}")
            self._ids.add(film.id)
            self._places[name] = len(self.found)
            self.found.append(film)
        return self._places[name]

    def _recorded(self, name: str, group: str) -> Film | None:
        """A mined film, by the record that mining left."""
        if not group or group in {".", ".."} or "/" in group:
            return None
        record = read_record(self.dataset / CLIPS / group)
        digest = record.inputs.get(record.film) if record else None
        if record is None or digest is None or _plain(record.film) != _plain(name):
            return None
        size, seconds = _measures(self.dataset, name)
        stream = record.audio_stream if record.audio_stream >= 0 else None
        return Film(group, _plain(name), digest, size, seconds or record.duration_s, stream)

    def _hashed(self, name: str, group: str) -> Film:
        path = local_media(self.dataset, name)
        if not path.is_file():
            raise BadInputError(f"`{name}` is missing, and its content is on no record", _MEDIA_HINT)
        size, seconds = _measures(self.dataset, name)
        return Film(group or path.stem, _plain(name), sha256_of(path), size, seconds)


def _measures(dataset: Path, name: str) -> tuple[int, float]:
    """Size and duration of a film that is there; zeros of any other."""
    if is_address(name):
        return 0, 0.0
    path = local_media(dataset, name)
    if not path.is_file():
        return 0, 0.0
    try:
        return path.stat().st_size, probe(path).duration_s or 0.0
    except AvtoolError:
        return path.stat().st_size, 0.0


def _rebuilt_films(dataset: Path) -> dict[str, Film]:
    """The films of a dataset that was made again, by path."""
    try:
        records = [read_json(path) for path in sorted((dataset / SOURCES).glob("*.json"))]
        return {record["path"]: Film(**record["film"]) for record in records}
    except (KeyError, TypeError) as error:
        raise CorruptArtifactError(f"`{dataset / SOURCES}` is damaged ({error})", "make it again") from error
