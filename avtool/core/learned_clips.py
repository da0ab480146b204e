"""The clips that a model learned from, by name, recording and content: what it must not be tested on.

`learned.parquet` of a model folder has a row a clip: clip_id, group, content (a fingerprint of its file),
start, end and use. Its metadata name the weights that the training started from whose clips are not known.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from avtool.core.errors import CorruptArtifactError
from avtool.core.files import atomic_file

if TYPE_CHECKING:
    import pyarrow as pa

RECORD = "learned.parquet"
_UNKNOWN = b"unknown"
_AGAIN = "train the model again, or get another copy of its folder"
_SAME = 0.05
"""Seconds that two copies of one clip may differ by in duration."""

Use = Literal["labels", "selection", "no labels"]
"""Trained on with its labels; validated on, to choose a checkpoint; trained on without labels."""
By = Literal["clip", "recording"]
"""What is the same: the clip itself, or the film or recording that it is of."""

COLUMNS = ("clip_id", "group", "content", "start", "end", "use")


class Match(NamedTuple):
    """How a test clip was used, and what of it is the same."""

    use: Use
    by: By

    def __str__(self) -> str:
        return f"{self.by}: {self.use}"


MATCHES = {str(match): match for match in (Match(use, by) for use in get_args(Use) for by in get_args(By))}
"""All matches by their text."""
Matches = Mapping[str, frozenset[Match]]
"""Test clip → how it was used; clips that were not are absent."""


@dataclass(frozen=True)
class LearnedClips:
    """What a model learned from.

    Attributes:
        table: the columns of `COLUMNS`, a row a clip and use.
        unknown: the weights among its origins whose clips are not known.
    """

    table: "pa.Table"
    unknown: tuple[str, ...] = ()

    def matches(self, clips: "pa.Table") -> Matches:
        """Which clips were learned from.

        Two clips are one if their files are equal and their spans overlap, or if they have one name; but
        where the files differ and the durations too, they only happen to have one name.

        Args:
            clips: the columns of `COLUMNS` but `use`, each clip once.
        """
        import pyarrow.compute as pc

        columns = ("clip_id", "group", "content")
        shared = [pc.is_in(self.table[name], value_set=_values(clips[name])) for name in columns]
        near = self.table.filter(pc.or_(pc.or_(shared[0], shared[1]), shared[2])).to_pylist()
        names: dict[str, list[dict[str, Any]]] = defaultdict(list)
        contents: dict[str, list[dict[str, Any]]] = defaultdict(list)
        recordings: dict[str, set[Match]] = defaultdict(set)
        for row in near:
            names[row["clip_id"]].append(row)
            contents[row["content"]].append(row)
            recordings[row["group"]].add(Match(row["use"], "recording"))
        found: dict[str, frozenset[Match]] = {}
        for clip in clips.to_pylist():
            same = [row for row in names.get(clip["clip_id"], ()) if _one_clip(row, clip)]
            if clip["content"]:
                same += [row for row in contents.get(clip["content"], ()) if _overlap(row, clip)]
            matches = {Match(row["use"], "clip") for row in same}
            matches |= recordings.get(clip["group"], set()) if clip["group"] else set()
            if matches:
                found[clip["clip_id"]] = frozenset(matches)
        return found


def record_schema() -> "pa.Schema":
    """The types of `COLUMNS`."""
    import pyarrow as pa

    kinds = {"start": pa.float64(), "end": pa.float64()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])


def join_learned(parts: Iterable[LearnedClips]) -> LearnedClips:
    """All clips of several records, each clip and use once."""
    import pyarrow as pa

    parts = list(parts)
    table = pa.concat_tables([part.table for part in parts]).combine_chunks()
    unique = table.group_by(table.column_names, use_threads=False).aggregate([]).select(list(COLUMNS))
    return LearnedClips(unique, tuple(dict.fromkeys(name for part in parts for name in part.unknown)))


def write_learned(folder: Path, learned: LearnedClips) -> None:
    """Writes the record; equal records give equal bytes."""
    from pyarrow import parquet

    order = [(name, "ascending") for name in COLUMNS]
    table = learned.table.sort_by(order).replace_schema_metadata({_UNKNOWN: json.dumps(learned.unknown)})
    with atomic_file(folder / RECORD) as partial:
        parquet.write_table(table, partial, compression="zstd")


def read_learned(folder: Path) -> LearnedClips | None:
    """The record of a model folder, or of what was made with it; None where it has none.

    Raises:
        CorruptArtifactError: it is damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet

    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        table = parquet.read_table(path)
        unknown = json.loads((table.schema.metadata or {}).get(_UNKNOWN, b"[]"))
        return LearnedClips(table.select(list(COLUMNS)).cast(record_schema()), tuple(map(str, unknown)))
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        message = f"`{path}` is no record of clips ({str(error).splitlines()[0]})"
        raise CorruptArtifactError(message, _AGAIN) from error


def _values(column: "pa.ChunkedArray") -> "pa.Array":
    """What can be looked for: an empty name or recording is none."""
    import pyarrow.compute as pc

    values = pc.unique(column)
    return values.filter(pc.not_equal(values, ""))


def _one_clip(row: Mapping[str, Any], clip: Mapping[str, Any]) -> bool:
    if not (row["content"] and clip["content"]) or row["content"] == clip["content"]:
        return True
    return bool(abs((row["end"] - row["start"]) - (clip["end"] - clip["start"])) <= _SAME)


def _overlap(row: Mapping[str, Any], clip: Mapping[str, Any]) -> bool:
    return bool(row["start"] < clip["end"] and clip["start"] < row["end"])
