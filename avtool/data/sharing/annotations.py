"""The annotations of a dataset without its media: what `avtool rebuild` needs beside the films.

The folder `rebuild` of an export holds `manifest.parquet` (the dataset's, with names of films for their
paths), `clips.parquet` (the film of each clip, and the SHA-256 of its file), `films.json` (the films by
content, and the settings that cut the clips) and `labels/*.csv`. An export may come from anybody: sizes,
types and names are checked before anything is written.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from avtool.core.artifact import read_artifact
from avtool.core.environment import versions
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import atomic_file, inside, read_json, sha256_of, write_json, writing
from avtool.core.manifest_columns import checked_table, plain_type
from avtool.data.labels import LABELS
from avtool.data.manifest import ANNOTATIONS, MANIFEST
from avtool.mining.manifest import CLIPS
from avtool.mining.recipe import ClipRecipe

PLACES = "clips.parquet"
FILMS = "films.json"
_SCHEMA_VERSION = 1
_MAX_JSON = 500_000_000
_MAX_ROWS = 20_000_000
_MAX_BYTES = 16_000_000_000  # of a table in memory
_ROW_GROUP = 1 << 20  # rows, as Arrow writes them
_SPLIT = re.compile(r"[\w-][\w .-]{0,63}|")
"""A name that files can have: splits are names of lists, and of tables, in several layouts."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_AGAIN = "get the export again from where it was published"
_PLACE_COLUMNS = pa.schema([("clip_id", pa.string()), ("film", pa.int32()), ("sha256", pa.string())])


@dataclass(frozen=True, slots=True)
class Film:
    """A film, or any medium, that clips were cut from.

    Attributes:
        id: its name in the dataset.
        name: of its file, without folders.
        sha256: of its content.
        bytes: its size, 0 where it is not known.
        seconds: its duration, 0 where it is not known.
        audio_stream: the container's number of the stream that the clips hold; None where the default was.
    """

    id: str
    name: str
    sha256: str
    bytes: int = 0
    seconds: float = 0.0
    audio_stream: int | None = None


@dataclass(frozen=True)
class Annotations:
    """A dataset without its media.

    Attributes:
        name: of the dataset.
        table: its manifest; `film` and media outside of the dataset are file names without folders.
        films: that its clips come from.
        places: for each row the index of its film.
        hashes: for each row the SHA-256 of its clip's file, or "" where the clip is a segment of the film.
        clip: the settings that cut the clips; None where none was cut.
        labels: the class lists.
    """

    name: str
    table: pa.Table
    films: Sequence[Film]
    places: Sequence[int] | NDArray[np.int32]
    hashes: Sequence[str]
    clip: ClipRecipe | None
    labels: Sequence[Path]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> list[Any]:
        """A column of the manifest as Python values; empty texts where there is none."""
        return self.table[name].to_pylist() if name in self.table.column_names else [""] * len(self)

    def names(self, column: str) -> set[str]:
        """The values of a column of text, or of lists of text; nulls do not count."""
        if column not in self.table.column_names:
            return set()
        values = self.table[column]
        flat = pc.list_flatten(values) if pa.types.is_nested(values.type) else values
        return {value for value in pc.unique(flat).to_pylist() if value is not None}

    def lists(self, column: str) -> pa.ChunkedArray:
        """A column of lists of text; nulls where there is none."""
        if column not in self.table.column_names or pa.types.is_null(self.table[column].type):
            return pa.chunked_array([pa.nulls(len(self), pa.list_(pa.string()))])
        return self.table[column]

    def times(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the segments of `spans` begin and end, (N,) each, of a checked table."""
        start, end = (np.asarray(self.table[name].to_numpy(), np.float64) for name in ("start", "end"))
        cut = np.fromiter(map(bool, self.hashes), bool, len(self))
        if cut.any():
            begin, until = (self.table[name].to_numpy() for name in ("film_start", "film_end"))
            start, end = np.where(cut, begin, start), np.where(cut, until, end)
        return start, end

    def spans(self) -> list[tuple[float, float]]:
        """The segment of its film that each clip is, in seconds."""
        whole = zip(self.column("start"), self.column("end"), strict=True)
        of_films = zip(self.column("film_start"), self.column("film_end"), strict=True)
        return [
            (cut if digest else media)
            for digest, cut, media in zip(self.hashes, of_films, whole, strict=True)
        ]


def write_annotations(folder: Path, annotations: Annotations) -> None:
    """Writes the folder `rebuild` of an export; equal annotations give equal bytes."""
    target = folder / ANNOTATIONS
    with writing(target):
        (target / LABELS).mkdir(parents=True, exist_ok=True)
        for path in annotations.labels:
            shutil.copyfile(path, target / LABELS / path.name)
    write_table(target / MANIFEST, annotations.table)
    places, hashes = pa.array(annotations.places, pa.int32()), pa.array(annotations.hashes, pa.string())
    ids = annotations.table["clip_id"]
    write_table(target / PLACES, pa.table([ids, places, hashes], _PLACE_COLUMNS.names), _PLACE_COLUMNS)
    found = versions()
    write_json(
        target / FILMS,
        {
            "schema_version": _SCHEMA_VERSION,
            "name": annotations.name,
            "clip": annotations.clip.model_dump(mode="json") if annotations.clip else None,
            "made_with": {name: found[name] for name in ("avtool", "av", "soundfile") if name in found},
            "films": [asdict(film) for film in annotations.films],
        },
    )


def write_table(
    path: Path,
    table: pa.Table,
    schema: pa.Schema | None = None,
    rows: NDArray[np.int64] | None = None,
) -> None:
    """Writes a table as manifests are written: equal tables give equal bytes.

    Text is written as text where it is encoded by a dictionary; the values of a list have the name that Arrow
    gives them, and not the one that Parquet files read back.

    Args:
        path: of the file.
        table: its content.
        schema: of the file; None for that of the table, in plain types.
        rows: those to write; None writes all.
    """
    fields = [pa.field(one.name, plain_type(one.type), one.nullable) for one in table.schema]
    schema = schema or pa.schema(fields, table.schema.metadata)
    with atomic_file(path) as partial, parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
        for first in range(0, max(1, len(table if rows is None else rows)), _ROW_GROUP):
            last = first + _ROW_GROUP
            block = table[first:last] if rows is None else table.take(pa.array(rows[first:last]))
            writer.write_table(block.combine_chunks().cast(schema), _ROW_GROUP)


def annotation_files(export: Path) -> dict[str, str]:
    """The SHA-256 of each file that a dataset is made again from, by name, checked.

    Raises:
        BadInputError: it is no export of a dataset.
        CorruptArtifactError: a file is missing or has changed.
    """
    card = read_artifact(export, "export")
    files = {
        name: digest for name, digest in card.files.items() if PurePosixPath(name).parts[:1] == (ANNOTATIONS,)
    }
    if f"{ANNOTATIONS}/{FILMS}" not in files:
        raise BadInputError(
            f"`{export}` is no export of a dataset", "`avtool export DATASET --to hf` makes one"
        )
    for name, digest in files.items():
        path = inside(export, name)
        if not path.is_file() or sha256_of(path) != digest:
            state = "has changed" if path.is_file() else "is missing"
            raise CorruptArtifactError(f"`{name}` of `{export}` {state}", _AGAIN)
    return files


def read_annotations(export: Path) -> Annotations:
    """Reads an export of a dataset.

    Raises:
        BadInputError: it is none, or its rows make no sense.
        CorruptArtifactError: it is damaged, too large, or names files outside of its folder.
    """
    names = annotation_files(export)
    folder = export / ANNOTATIONS
    values = _read_object(folder / FILMS)
    table = _read_table(folder / MANIFEST)
    checked_table(table, str(folder / MANIFEST))
    places = _read_table(folder / PLACES)
    if places.schema != _PLACE_COLUMNS or places["clip_id"].to_pylist() != table["clip_id"].to_pylist():
        raise CorruptArtifactError(f"`{folder / PLACES}` has not the rows of the manifest", _AGAIN)
    films, clip = _films(values, folder / FILMS), _clip_settings(values, folder / FILMS)
    labels = [
        export / name for name in names if PurePosixPath(name).parent == PurePosixPath(ANNOTATIONS, LABELS)
    ]
    found = Annotations(
        str(values.get("name", export.name)), table, films, places["film"].to_pylist(),
        places["sha256"].to_pylist(), clip, labels,
    )  # fmt: skip
    _check(found, str(export))
    return found


def _read_object(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MAX_JSON:
        raise CorruptArtifactError(f"`{path}` is too large for a list of films", _AGAIN)
    values = read_json(path)
    if not isinstance(values, dict) or values.get("schema_version") != _SCHEMA_VERSION:
        raise CorruptArtifactError(f"`{path}` is not of schema {_SCHEMA_VERSION}", "update avtool")
    return values


def _read_table(path: Path) -> pa.Table:
    """A Parquet table that fits into memory, by its own header."""
    try:
        file = parquet.ParquetFile(path)
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        size = sum(group.total_byte_size for group in groups)
        if file.metadata.num_rows > _MAX_ROWS or size > _MAX_BYTES:
            message = f"`{path}` has {file.metadata.num_rows} rows of {size} bytes, more than is read"
            raise CorruptArtifactError(message, _AGAIN)
        return file.read()
    except (pa.ArrowException, OSError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorruptArtifactError(f"`{path}` is not a Parquet table ({first:.200})", _AGAIN) from error


def _films(values: dict[str, Any], path: Path) -> tuple[Film, ...]:
    try:
        films = tuple(Film(**one) for one in values["films"])
    except (KeyError, TypeError) as error:
        raise CorruptArtifactError(f"`{path}` has no list of films ({error})", _AGAIN) from error
    for film in films:
        texts = isinstance(film.name, str) and isinstance(film.sha256, str) and isinstance(film.id, str)
        numbers = isinstance(film.bytes, int) and isinstance(film.seconds, int | float)
        if not (texts and numbers and isinstance(film.audio_stream, int | None)):
            raise CorruptArtifactError(f"`{path}`: a film's values are of other types", _AGAIN)
    return films


def _clip_settings(values: dict[str, Any], path: Path) -> ClipRecipe | None:
    if values.get("clip") is None:
        return None
    try:
        return ClipRecipe.model_validate(values["clip"])
    except ValueError as error:
        reason = str(error).splitlines()[-2 if len(str(error).splitlines()) > 1 else 0].strip()
        raise CorruptArtifactError(f"`{path}`: settings of clips: {reason:.200}", _AGAIN) from error


def check_splits(found: Annotations, origin: str) -> None:
    """Refuses splits that could not name a file.

    Raises:
        BadInputError: a split holds more than letters, digits, spaces, `_`, `-` and `.`, or is too long.
    """
    for split in sorted(found.names("split")):
        if not _SPLIT.fullmatch(split):
            message = f"`{origin}`: the split {split!r:.80} cannot name a file"
            raise BadInputError(message, "give splits names of letters, digits, spaces, `_`, `-` and `.`")


def _check(found: Annotations, origin: str) -> None:
    """Refuses films that are not listed, and clips whose files would lie elsewhere than among the clips."""
    if any(place is None or not 0 <= place < len(found.films) for place in found.places):
        raise CorruptArtifactError(f"`{origin}`: a clip's film is not listed", _AGAIN)
    check_splits(found, origin)
    if not any(found.hashes):
        return
    missing = [name for name in ("film", "film_start", "film_end") if name not in found.table.column_names]
    if found.clip is None or missing:
        what = f"no column `{missing[0]}`" if missing else "no settings of its clips"
        raise CorruptArtifactError(f"`{origin}` has {what}", _AGAIN)
    seen: set[str] = set()
    for media, digest, (start, end) in zip(found.column("media"), found.hashes, found.spans(), strict=True):
        if not digest:
            continue
        parts = PurePosixPath(media).parts
        if parts[:1] != (CLIPS,) or len(parts) < 3 or ".." in parts or _CONTROL.search(media):
            raise CorruptArtifactError(f"`{media!r:.200}` points outside of the clips", "do not use this one")
        if "/".join(parts) in seen or PurePosixPath(media).suffix != f".{found.clip.format}":
            raise CorruptArtifactError(f"`{origin}`: `{media:.200}` is there twice or no {found.clip.format}")
        seen.add("/".join(parts))
        if not (isinstance(start, float) and isinstance(end, float) and 0 <= start < end <= start + 601):
            raise CorruptArtifactError(f"`{origin}`: `{media:.200}` has no times in its film", _AGAIN)
