"""Features of windows as Parquet: `clip_id`, `start`, `end`, `feature` (a float32 list of one length)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from avtool.core.errors import CorruptArtifactError
from avtool.core.files import atomic_file, writing

_CARD = b"avtool"


def feature_table(
    clip_id: str, spans: Sequence[tuple[float, float]], features: NDArray[np.float32]
) -> pa.Table:
    """The rows of one file.

    Args:
        clip_id: its name.
        spans: start and end of each window, in seconds.
        features: (windows, D).
    """
    flat = pa.array(np.ascontiguousarray(features, np.float32).reshape(-1))
    return pa.table(
        {
            "clip_id": pa.array([clip_id] * len(spans), pa.string()),
            "start": pa.array([start for start, _ in spans], pa.float64()),
            "end": pa.array([end for _, end in spans], pa.float64()),
            "feature": pa.FixedSizeListArray.from_arrays(flat, features.shape[1]),
        }
    )


def write_table(path: Path, table: pa.Table, card: Mapping[str, Any]) -> None:
    """Writes one table atomically, with a card in its metadata."""
    with atomic_file(path) as partial:
        parquet.write_table(with_card(table, card), partial, compression="zstd")


def join_tables(parts: Sequence[Path], path: Path, card: Mapping[str, Any]) -> int:
    """Writes the rows of several files one after the other, one file in memory at a time.

    Returns:
        The number of rows.

    Raises:
        CorruptArtifactError: a part is damaged.
    """
    writer, rows = None, 0
    with atomic_file(path) as partial:
        try:
            for part in parts:
                table = with_card(read_table(part), card)
                if writer is None:
                    writer = parquet.ParquetWriter(partial, table.schema, compression="zstd")
                writer.write_table(table)
                rows += table.num_rows
        finally:
            if writer is not None:
                with writing(path):
                    writer.close()
    return rows


def read_table(path: Path) -> pa.Table:
    """Reads a table of features.

    Raises:
        CorruptArtifactError: it is damaged, or has other columns.
    """
    try:
        table = parquet.read_table(path, columns=["clip_id", "start", "end", "feature"])
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise CorruptArtifactError(
            f"`{path}` holds no features ({reason})", "embed the files again"
        ) from error
    return table


def read_card(path: Path) -> dict[str, Any]:
    """The metadata of a table; empty for other files, and for none."""
    try:
        metadata = parquet.read_schema(path).metadata or {}
        card = json.loads(metadata.get(_CARD, b"{}"))
    except (pa.ArrowException, OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def with_card(table: pa.Table, card: Mapping[str, Any]) -> pa.Table:
    """A table with a card in its metadata."""
    return table.replace_schema_metadata({_CARD: json.dumps(card, sort_keys=True).encode()})
