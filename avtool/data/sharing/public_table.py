"""The table that people read: a row a clip, with its place in its film and the film's content."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from avtool.data.sharing.annotations import Annotations

_REPLACED = ("media", "start", "end", "split", "film", "film_start", "film_end")
"""Columns of the manifest that the first columns of the table take the place of."""
_BLOCK = 1 << 16  # rows
SPLITS = {"train": "train", "val": "validation", "test": "test", "": "train"}
"""The names of splits elsewhere; a dataset without splits is all for training."""


def public_table(annotations: Annotations) -> pa.Table:
    """The clips of a dataset: identity, film, times in the film in seconds, split, then the other columns.

    Columns without a value in any row are skipped.
    """
    places = pa.array(annotations.places, pa.int32())
    ids, contents = ([getattr(film, name) for film in annotations.films] for name in ("id", "sha256"))
    start, end = annotations.times()
    columns: dict[str, Any] = {
        "clip_id": annotations.table["clip_id"],
        "film": pa.DictionaryArray.from_arrays(places, pa.array(ids, pa.string())),
        "film_sha256": pa.DictionaryArray.from_arrays(places, pa.array(contents, pa.string())),
        "start": pa.array(start),
        "end": pa.array(end),
        "split": annotations.table["split"] if "split" in annotations.table.column_names else None,
    }
    columns |= {
        name: annotations.table[name]
        for name in annotations.table.column_names
        if name not in columns and name not in _REPLACED
    }
    kept = {
        name: values
        for name, values in columns.items()
        if values is not None and (values.null_count < len(values) or not len(values))
    }
    return pa.table(kept)


def splits_of(annotations: Annotations) -> dict[str, NDArray[np.int64]]:
    """The rows of each split that occurs, by the names that are used elsewhere."""
    if "split" not in annotations.table.column_names:
        return {SPLITS[""]: np.arange(len(annotations))}
    column = annotations.table["split"].combine_chunks()
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    names = [SPLITS.get(split or "", split) for split in [*encoded.dictionary.to_pylist(), ""]]
    codes = encoded.indices.fill_null(len(names) - 1).to_numpy()
    found = {
        name: np.flatnonzero(np.isin(codes, [code for code, other in enumerate(names) if other == name]))
        for name in sorted(set(names))
    }
    return {name: rows for name, rows in found.items() if len(rows)}


def blocks_of(table: pa.Table, rows: NDArray[np.int64]) -> Iterator[pa.Table]:
    """Some rows of a table, few at a time."""
    for first in range(0, len(rows), _BLOCK):
        yield table.take(pa.array(rows[first : first + _BLOCK]))
