"""The table that people read: a row a clip, with its place in its film and the film's content."""

from typing import Any

import pyarrow as pa

from avtool.data.sharing.annotations import Annotations

_REPLACED = ("media", "start", "end", "split", "film", "film_start", "film_end")
"""Columns of the manifest that the first columns of the table take the place of."""
SPLITS = {"train": "train", "val": "validation", "test": "test", "": "train"}
"""The names of splits elsewhere; a dataset without splits is all for training."""


def public_table(annotations: Annotations) -> pa.Table:
    """The clips of a dataset: identity, film, times in the film in seconds, split, then the other columns.

    Columns without a value in any row are skipped.
    """
    films = [annotations.films[place] for place in annotations.places]
    spans = annotations.spans()
    columns: dict[str, Any] = {
        "clip_id": annotations.table["clip_id"],
        "film": pa.array([film.id for film in films], pa.string()),
        "film_sha256": pa.array([film.sha256 for film in films], pa.string()),
        "start": pa.array([start for start, _ in spans], pa.float64()),
        "end": pa.array([end for _, end in spans], pa.float64()),
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


def splits_of(annotations: Annotations) -> dict[str, list[int]]:
    """The rows of each split that occurs, by the names that are used elsewhere."""
    rows: dict[str, list[int]] = {}
    for row, split in enumerate(annotations.column("split")):
        rows.setdefault(SPLITS.get(split or "", split), []).append(row)
    return dict(sorted(rows.items()))
