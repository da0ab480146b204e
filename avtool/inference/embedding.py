"""Features of many files, a table of windows each; results of an interrupted run are kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.errors import AvtoolError
from avtool.data.feature_table import feature_table, read_card, write_table
from avtool.data.inputs.base import Span
from avtool.data.inputs.spec import Window
from avtool.data.items import Item
from avtool.inference.recipes import EmbedRecipe
from avtool.inference.windows import in_batches, iter_windows, spaced_windows

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor, Vectors


@dataclass(frozen=True)
class EmbeddedFile:
    """The outcome of one file.

    Attributes:
        name: the file, or the clip's id.
        status: `embedded`, `kept` (done before an interruption) or `failed`.
        windows: number of features.
        error: the reason, when it failed.
    """

    name: str
    status: str
    windows: int = 0
    error: AvtoolError | None = None


@dataclass(frozen=True)
class FileFeatures:
    """The features of the windows of one file.

    Attributes:
        name: the file, or the clip's id.
        spans: start and end of each window, in seconds.
        values: (windows, D).
    """

    name: str
    spans: list[Span]
    values: "Vectors"


def embed_file(item: Item, predictor: "Predictor", recipe: EmbedRecipe) -> FileFeatures:
    """The features of a file, or of a clip.

    Raises:
        AvtoolError: it cannot be read, or lacks a modality that is embedded.
    """
    item.ready()
    spans, features = [], []
    for windows in in_batches(_windows(item, predictor, recipe), recipe.batch_size):
        features.append(predictor.features(windows))
        spans += [(window.start, window.end) for window in windows]
    return FileFeatures(item.name, spans, np.concatenate(features))


def embed_files(
    items: Sequence[Item],
    parts: Path,
    predictor: "Predictor",
    recipe: EmbedRecipe,
    card: Mapping[str, Any],
    *,
    named: Callable[[Item], str] | None = None,
) -> Iterator[EmbeddedFile]:
    """Embeds files one after the other, and writes the features of each to a table of its own.

    Args:
        items: the files.
        parts: the folder of tables.
        predictor: the encoder.
        recipe: the settings.
        card: what must be equal for a table to be kept.
        named: gives the name of a file's table; by default `part_name`.
    """
    for item in items:
        path = parts / (named or part_name)(item)
        state = {**card, "state": item.state()}
        known = read_card(path)
        if known and {name: known.get(name) for name in state} == state:
            yield EmbeddedFile(item.name, "kept", int(known["windows"]))
            continue
        try:
            found = embed_file(item, predictor, recipe)
        except AvtoolError as error:
            yield EmbeddedFile(item.name, "failed", error=error)
            continue
        counts = {"windows": len(found.values), "width": found.values.shape[1]}
        write_table(path, feature_table(item.name, found.spans, found.values), {**state, **counts})
        yield EmbeddedFile(item.name, "embedded", len(found.values))


def part_name(item: Item) -> str:
    """The name of the table of one file."""
    return f"{item.stem}.parquet"


def _windows(item: Item, predictor: "Predictor", recipe: EmbedRecipe) -> Iterator[Window]:
    if recipe.windows:
        yield from spaced_windows(item, predictor.inputs, recipe.windows)
    else:
        hop = recipe.hop or predictor.inputs.hop or predictor.inputs.seconds
        yield from iter_windows(item, predictor.inputs, hop)
