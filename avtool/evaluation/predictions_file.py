"""The `predictions` artifact of a classifier: a row a clip, with its scores and, where known, its labels.

`predictions.parquet` has the columns clip_id, labels, group, fold, scores and, where it is known, `learned`:
how the model has used the clip in training. `classes.json` names the columns of the scores.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import read_artifact
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import atomic_file, read_json, write_json
from avtool.core.learned_clips import MATCHES
from avtool.evaluation.players import Place
from avtool.evaluation.predictions import Predictions

TABLE, CLASSES = "predictions.parquet", "classes.json"
PLACES = "places.parquet"
_AGAIN = "run `avtool predict` again"


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Writes the two files into the artifact being built; equal predictions give equal bytes."""
    import pyarrow as pa
    from pyarrow import parquet

    flat = pa.array(np.ascontiguousarray(predictions.scores, np.float32).ravel())
    columns = {
        "clip_id": pa.array(predictions.clip_ids, pa.string()),
        "labels": pa.array([list(labels) for labels in predictions.labels], pa.list_(pa.string())),
        "group": pa.array(predictions.groups, pa.string()),
        "fold": pa.array(predictions.folds, pa.int32()),
        "scores": pa.FixedSizeListArray.from_arrays(flat, len(predictions.classes)),
    }
    if predictions.learned is not None:
        learned = [sorted(map(str, matches)) for matches in predictions.learned]
        columns["learned"] = pa.array(learned, pa.list_(pa.string()))
    with atomic_file(folder / TABLE) as partial:
        parquet.write_table(pa.table(columns), partial, compression="zstd")
    write_json(folder / CLASSES, {"classes": list(predictions.classes), "sizes": list(predictions.sizes)})


def read_predictions(folder: Path) -> Predictions:
    """Reads a `predictions` artifact of a classifier.

    Raises:
        BadInputError: the folder is no such artifact, or its files do not fit together.
        CorruptArtifactError: a file is missing or damaged.
    """
    read_artifact(folder, "predictions")
    if not (folder / CLASSES).is_file():
        raise BadInputError(f"`{folder}` holds no classifier's predictions (no {CLASSES})", _AGAIN)
    names: Any = read_json(folder / CLASSES)
    columns = _read_columns(folder / TABLE)
    try:
        return Predictions(
            tuple(columns["clip_id"].to_pylist()),
            tuple(str(name) for name in names["classes"]),
            _score_array(columns["scores"]),
            tuple(tuple(labels or ()) for labels in columns["labels"].to_pylist()),
            tuple(group or "" for group in columns["group"].to_pylist()),
            tuple(columns["fold"].to_pylist()),
            tuple(int(size) for size in names["sizes"]),
            None
            if (learned := columns.get("learned")) is None
            else tuple(frozenset(MATCHES[text] for text in row or ()) for row in learned.to_pylist()),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptArtifactError(f"`{folder}` is not as avtool writes it ({error})", _AGAIN) from error


def write_places(folder: Path, places: Mapping[str, Place]) -> None:
    """Writes where each clip is, by its id, for players in reports."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = {
        "clip_id": pa.array(places, pa.string()),
        "media": pa.array([str(place.media) for place in places.values()], pa.string()),
        "start": pa.array([place.start for place in places.values()], pa.float64()),
        "seconds": pa.array([place.seconds for place in places.values()], pa.float64()),
    }
    with atomic_file(folder / PLACES) as partial:
        parquet.write_table(pa.table(columns), partial, compression="zstd")


def read_places(folder: Path) -> dict[str, Place]:
    """Where the clips of a `predictions` artifact are; nothing where it has no record of them.

    Raises:
        CorruptArtifactError: the file is damaged.
    """
    if not (folder / PLACES).is_file():
        return {}
    columns = _read_columns(folder / PLACES)
    try:
        rows = zip(
            *(columns[name].to_pylist() for name in ("clip_id", "media", "start", "seconds")), strict=True
        )
        return {clip: Place(Path(media), start, seconds) for clip, media, start, seconds in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptArtifactError(
            f"`{folder / PLACES}` is not as avtool writes it ({error})", _AGAIN
        ) from error


def _read_columns(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return {name: column.combine_chunks() for name, column in _named(parquet.read_table(path))}
    except (pa.ArrowException, OSError) as error:
        first = str(error).splitlines()[0]
        raise CorruptArtifactError(f"cannot read `{path}` ({first})", _AGAIN) from error


def _named(table: Any) -> Any:
    return zip(table.column_names, table.columns, strict=True)


def _score_array(column: Any) -> NDArray[np.float32]:
    if column.null_count:
        raise ValueError("a clip has no scores")
    flat: NDArray[np.float32] = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    return flat.reshape(len(column), -1)
