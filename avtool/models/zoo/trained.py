"""Detectors and segmenters of the zoo that avtool has trained: their folders, classes and sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.models.model_files import described_folder, weights_file
from avtool.models.model_folder import read_description
from avtool.models.zoo.row import Row

TASK = "dense-prediction"


@dataclass(frozen=True)
class TrainedRow:
    """A trained detector or segmenter.

    Attributes:
        weights: the file.
        classes: names, in the network's order.
        side: that images were scaled to; None for the row's own.
        options: keyword arguments of the row's builder.
    """

    weights: Path
    classes: Sequence[str]
    side: int | None
    options: Mapping[str, Any]


def trained_row(path: Path, row: Row) -> TrainedRow | None:
    """What a run or a model of avtool holds; None for a file of other weights.

    Raises:
        BadInputError: it holds another row, or no detector or segmenter.
        CorruptArtifactError: its description is damaged.
    """
    folder = described_folder(path)
    if folder is None:
        if path.is_dir():
            weights_file(path)  # raises what the folder lacks
        return None
    described = read_description(folder)
    if described.preprocess.get("task") != TASK:
        message = f"`{path}` holds a `{described.builder}`, no detector or segmenter"
        raise BadInputError(message, "give a run of `avtool train dense-prediction`")
    if described.preprocess["row"] != row.key:
        message = f"`{path}` holds a `{described.preprocess['row']}`, not a `{row.key}`"
        raise BadInputError(message, f"name the row that it holds: {described.preprocess['row']}")
    return TrainedRow(
        weights_file(folder),
        list(described.preprocess["classes"]),
        described.preprocess["side"],
        dict(described.arguments.get("options", {})),
    )
