"""The index of shards in one table: reading the headers of a million files takes minutes."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from avtool.core.errors import CorruptArtifactError
from avtool.core.files import atomic_file
from avtool.data.shards.tar_index import ShardClip
from avtool.media.tar_members import Piece

INDEX = "index.parquet"
_PIECES = pa.list_(pa.int64())


def write_index(folder: Path, clips: Sequence[tuple[str, ShardClip]]) -> None:
    """Writes the table beside the shards.

    Args:
        folder: of the shards.
        clips: the name of the shard, and the clip.
    """
    columns = {
        "shard": pa.array([shard for shard, _ in clips], pa.string()),
        "key": pa.array([clip.key for _, clip in clips], pa.string()),
        "sound": pa.array([list(clip.audio) if clip.audio else [] for _, clip in clips], _PIECES),
        "pictures": pa.array([[n for piece in clip.frames for n in piece] for _, clip in clips], _PIECES),
        "facts": pa.array([json.dumps(dict(clip.facts), sort_keys=True) for _, clip in clips], pa.string()),
    }
    with atomic_file(folder / INDEX) as partial:
        parquet.write_table(pa.table(columns), partial, compression="zstd")


def read_index(folder: Path) -> Iterator[tuple[str, ShardClip]]:
    """Reads the table; the shards themselves are not opened.

    Raises:
        CorruptArtifactError: it is damaged.
    """
    path = folder / INDEX
    try:
        for batch in parquet.ParquetFile(path).iter_batches(
            columns=["shard", "key", "sound", "pictures", "facts"]
        ):
            for row in batch.to_pylist():
                audio, frames = _pieces(row["sound"]), _pieces(row["pictures"])
                facts = json.loads(row["facts"])
                yield row["shard"], ShardClip(row["key"], next(iter(audio), None), frames, facts)
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorruptArtifactError(f"`{path}` is damaged ({first})", "write the shards again") from error


def _pieces(numbers: Sequence[int]) -> tuple[Piece, ...]:
    if len(numbers) % 2 or any(number < 0 for number in numbers):
        raise ValueError("a place in a shard makes no sense")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))
