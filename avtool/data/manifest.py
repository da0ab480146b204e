"""The manifest of a dataset: a row a clip, in Parquet, checked when it is read.

The rows stay in Arrow's columns, which hold millions of clips in little memory and are shared by forked
workers; a `Clip` is made on access.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from avtool.core.addresses import is_address
from avtool.core.artifact import CARD, read_artifact
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import atomic_file
from avtool.core.manifest_columns import COLUMNS, checked_table
from avtool.core.registry import nearest_hint
from avtool.data.media_files import Media, local_media, streams_in

MANIFEST = "manifest.parquet"
ANNOTATIONS = "rebuild"
"""Folder of an export that holds the manifest of the dataset that was exported."""
_SHOWN = 5
_NUMBER = 4  # bytes
_BLOCK = 1 << 16  # rows


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip.

    Attributes:
        clip_id: unique in the dataset.
        media: its file: relative to the dataset, absolute, or an fsspec address.
        start, end: the part of `media` that is meant, in seconds; silence follows where the file ends before.
        split: `train`, `val`, `test`, or "".
        fold: number of a cross-validation fold, or None.
        labels: what it is; for tasks of two parts the verb, then the noun.
        text: a caption.
        group: the film or source recording; splits never cross it.
        extras: free further columns.
    """

    clip_id: str
    media: str
    start: float
    end: float
    split: str = ""
    fold: int | None = None
    labels: tuple[str, ...] = ()
    text: str = ""
    group: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start

    @property
    def audio(self) -> Media:
        """Where its audio is."""
        return Media(self.media, self.start, self.end)

    @property
    def video(self) -> Media:
        """Where its video is: in `media`, or in the film that a mined clip was cut from."""
        film, start, end = (self.extras.get(name) for name in ("film", "film_start", "film_end"))
        if film and start is not None and end is not None:
            return Media(film, start, end)
        return self.audio


class Values(Sequence[Any]):
    """A column as Python values that are made on access: all at once take much memory."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, place: Any) -> Any:
        found = self._column[place]
        return found.to_pylist() if isinstance(place, slice) else found.as_py()

    def __iter__(self) -> Iterator[Any]:
        for first in range(0, len(self._column), _BLOCK):
            yield from self._column[first : first + _BLOCK].to_pylist()


class Manifest(Sequence[Clip]):
    """The clips of a dataset, or a selection of them.

    Args:
        table: the checked columns.
        folder: what relative media are relative to.
        origin: the name shown in messages.
    """

    def __init__(self, table: pa.Table, folder: Path, origin: str) -> None:
        self.table = table.combine_chunks()
        self.folder = folder
        self.origin = origin
        self._columns = {name: self.table[name] for name in self.table.column_names}
        self._last: tuple[int, Clip] | None = None

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> "Manifest": ...
    def __getitem__(self, index: int | slice) -> "Clip | Manifest":
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        last = self._last
        if last is None or last[0] != index:  # a sample reads its row once for each of its inputs
            self._last = last = index, self._row(index)
        return last[1]

    def _row(self, index: int) -> Clip:
        row = {name: column[index].as_py() for name, column in self._columns.items()}
        known = {name: row.pop(name) for name in COLUMNS.names}
        return Clip(**(known | {"labels": tuple(known["labels"])}), extras=row)

    def __iter__(self) -> Iterator[Clip]:
        return (self[index] for index in range(len(self)))

    def column(self, name: str) -> list[Any]:
        """One column as Python values.

        Raises:
            BadInputError: there is no such column.
        """
        if name not in self._columns:
            hint = nearest_hint(name, list(self._columns), "avtool show")
            raise BadInputError(f"`{self.origin}` has no column `{name}`", hint)
        values: list[Any] = self._columns[name].to_pylist()
        return values

    def values(self, name: str) -> "Values":
        """One column, each value of which is made on access.

        Raises:
            KeyError: there is no such column.
        """
        return Values(self._columns[name])

    def durations(self) -> NDArray[np.float64]:
        """Seconds of each clip, (clips,)."""
        start, end = (self.table[name].to_numpy() for name in ("start", "end"))
        seconds: NDArray[np.float64] = end - start
        return seconds

    def distinct(self, name: str) -> list[Any]:
        """The values of one column, each once, in the order of their first rows.

        Raises:
            BadInputError: there is no such column, or it holds lists.
        """
        if name not in self._columns:
            return self.column(name)  # which names the nearest
        if pa.types.is_nested(self.table.schema.field(name).type):
            raise BadInputError(f"column `{name}` of `{self.origin}` holds lists", "choose another column")
        values: list[Any] = pc.unique(self._columns[name]).to_pylist()
        return values

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> "Manifest":
        """The clips at some places, in their order."""
        return Manifest(self.table.take(pa.array(indices, pa.int64())), self.folder, self.origin)

    def select(
        self, split: str | None = None, folds: Iterable[int] | None = None, split_column: str = "split"
    ) -> "Manifest":
        """The clips of a split, of some folds, or both.

        Args:
            split: such as `train`; None for all.
            folds: numbers of folds; None for all.
            split_column: the column that names the splits, where a dataset has several.

        Raises:
            BadInputError: the dataset has no such split or fold; the message names those it has.
        """
        chosen = np.ones(len(self), bool)
        if split is not None:
            chosen &= self._is_one_of(split_column, [split], "split", "divide it: `avtool prepare --split`")
        if folds is not None:
            chosen &= self._is_one_of("fold", list(folds), "fold", "choose by split")
        if not chosen.any():
            raise BadInputError(
                f"no clip of `{self.origin}` is in split `{split}` and in those folds", "choose others"
            )
        return self.take(np.flatnonzero(chosen))

    def local(self, media: Media) -> Path:
        """The file to read; what has an address is copied into the cache first."""
        return local_media(self.folder, media.name)

    def has_audio(self, clip: Clip) -> bool:
        """Whether a clip has audio.

        Raises:
            BadInputError: its file cannot be opened.
        """
        known = clip.extras.get("has_audio")
        return streams_in(self.local(clip.audio)).audio if known is None else bool(known)

    def has_video(self, clip: Clip) -> bool:
        """Whether a clip, or the film that it was cut from, has video, or is an image.

        Raises:
            BadInputError: its file cannot be opened.
        """
        media = clip.video
        known = clip.extras.get("has_video") if media.name == clip.media else None
        return streams_in(self.local(media)).video if known is None else bool(known)

    def check_media(self) -> None:
        """Looks for every local file.

        Raises:
            BadInputError: some are missing; the message names the first, with their rows.
        """
        names = {name for name in self.column("media") if not is_address(name)}
        missing = {name for name in names if not local_media(self.folder, name).is_file()}
        if not missing:
            return
        rows = [
            f"`{name}` (row {row})" for row, name in enumerate(self.column("media"), 1) if name in missing
        ]
        shown = ", ".join(rows[:_SHOWN]) + (", …" if len(rows) > _SHOWN else "")
        message = f"{len(missing)} of {len(names)} media of `{self.origin}` are missing: {shown}"
        raise BadInputError(message, "put them back, or `avtool prepare` the dataset again")

    def _is_one_of(self, column: str, wanted: list[Any], noun: str, hint: str) -> NDArray[np.bool_]:
        """Where a column holds one of the values; it is an error if one of them is nowhere."""
        if column in self._columns and pa.types.is_nested(self.table.schema.field(column).type):
            raise BadInputError(f"column `{column}` of `{self.origin}` holds lists, no {noun}s", hint)
        known = sorted(value for value in self.distinct(column) if value not in {None, ""})
        if not known:
            raise BadInputError(f"`{self.origin}` has no {noun}s", hint)
        for value in wanted:
            if value not in known:
                counts = Counter(self.column(column))
                have = ", ".join(f"{name} ({counts[name]})" for name in known[:20])
                raise BadInputError(f"`{self.origin}` has no {noun} `{value}`", f"its {noun}s are {have}")
        values = self._columns[column]
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        chosen: NDArray[np.bool_] = pc.is_in(values, value_set=pa.array(wanted, values.type)).to_numpy()
        return chosen


def holds_annotations(dataset: Path) -> bool:
    """Whether a folder is an export of a dataset, of which `avtool rebuild` makes the clips again."""
    manifest = dataset / ANNOTATIONS / MANIFEST
    return manifest.is_file() and (dataset / CARD).is_file() and read_artifact(dataset).kind == "export"


def need_media(dataset: Path) -> None:
    """Refuses an export of a dataset where media are needed.

    Raises:
        BadInputError: it holds annotations alone.
    """
    if holds_annotations(dataset):
        raise BadInputError(
            f"`{dataset}` holds annotations without media",
            f"`avtool rebuild {dataset} --films DIR --out DATASET` makes the clips again from the films",
        )


def find_manifest(dataset: Path) -> Path:
    """The Parquet file that holds the manifest of a dataset.

    Raises:
        BadInputError: there is no dataset, or it holds annotations without media.
        CorruptArtifactError: the artifact is damaged.
    """
    if dataset.is_dir():
        need_media(dataset)
        path = dataset / MANIFEST
        if (dataset / CARD).is_file() or not path.is_file():
            read_artifact(dataset, "dataset")
        if not path.is_file():
            raise CorruptArtifactError(f"`{path}` is missing", "make the artifact again")
        return path
    if not dataset.is_file():
        raise BadInputError(f"`{dataset}` does not exist", "`avtool prepare` makes datasets")
    return dataset


def read_manifest(dataset: Path) -> Manifest:
    """Reads and checks the manifest of a dataset.

    Args:
        dataset: a `dataset` artifact, or a Parquet file of the same columns.

    Raises:
        BadInputError: it is none, a column is missing or of the wrong type, or a row makes no sense.
        CorruptArtifactError: the artifact is damaged.
    """
    path = find_manifest(dataset)
    return Manifest(checked_table(read_columns(path), str(path)), path.parent, str(dataset))


def read_columns(path: Path) -> pa.Table:
    """The columns of a Parquet file, each in one chunk; text that repeats is held once, and numbered.

    Raises:
        BadInputError: two columns have one name.
        CorruptArtifactError: it is no Parquet file, or damaged.
    """
    try:
        with pa.OSFile(str(path)) as stream:  # opened once: the file may be replaced meanwhile
            metadata = parquet.read_metadata(stream)
            schema = metadata.schema.to_arrow_schema()
            if twice := next((name for name in schema.names if schema.names.count(name) > 1), None):
                raise BadInputError(f"`{path}` has two columns `{twice}`", "give each a name of its own")
            read = partial(
                parquet.read_table, stream, use_threads=False, read_dictionary=_repeating(metadata, schema)
            )
            parts = [read(columns=[name]).combine_chunks() for name in schema.names]
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise CorruptArtifactError(f"`{path}` is not a Parquet file ({first})", "make it again") from error
    columns = [part[name] for part, name in zip(parts, schema.names, strict=True)]
    return pa.table(columns, schema.names, metadata=schema.metadata)


def _repeating(metadata: parquet.FileMetaData, schema: pa.Schema) -> list[str]:
    """The columns of text, and of lists of it, that take less than a number a value: those of few names."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    own = {
        name
        for field in schema
        for name in (field.name, f"{field.name}.list.element")
        if not pa.types.is_nested(field.type) or pa.types.is_list(field.type)
    }
    found = []
    for place in range(metadata.num_columns):
        chunks = [group.column(place) for group in groups]
        size = sum(chunk.total_uncompressed_size for chunk in chunks)
        path = metadata.schema.column(place).path
        if path in own and size < _NUMBER * sum(chunk.num_values for chunk in chunks):
            found.append(path)
    return found


def write_manifest(folder: Path, clips: Iterable[Clip]) -> None:
    """Writes `manifest.parquet`; equal clips give equal bytes.

    The columns of every dataset come first, those of `extras` follow by name.

    Args:
        folder: the dataset being built.
        clips: in the order in which they are to stand.
    """
    table = make_table(clips)
    with atomic_file(folder / MANIFEST) as partial:
        parquet.write_table(table, partial, compression="zstd")


def make_table(clips: Iterable[Clip]) -> pa.Table:
    """The columns of clips: those of every dataset first, then those of `extras` by name."""
    clips = list(clips)
    names = sorted({name for clip in clips for name in clip.extras})
    assert not set(names) & set(COLUMNS.names), "an extra column has the name of another"
    columns = {
        name: pa.array([getattr(clip, name) for clip in clips], COLUMNS.field(name).type)
        for name in COLUMNS.names
    }
    columns |= {name: pa.array([clip.extras.get(name) for clip in clips]) for name in names}
    return pa.table(columns)
