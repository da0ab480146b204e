"""Features of many files, a table of windows each; results of an interrupted run are kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.errors import AvtoolError
from avtool.core.parallel import is_serial, map_blocks
from avtool.core.reporter import Silent
from avtool.data.feature_table import feature_table, read_card, write_table
from avtool.data.inputs.base import Span
from avtool.data.inputs.spec import Window
from avtool.data.items import Item, light
from avtool.inference.recipes import EmbedRecipe
from avtool.inference.windows import in_batches, iter_windows, spaced_windows

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor, Vectors


_AT_A_TIME = 16
"""Files that a process embeds before it reports, where there are many."""


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


def embed_apart(
    items: Sequence[Item],
    parts: Path,
    predictor: "Predictor",
    recipe: EmbedRecipe,
    card: Mapping[str, Any],
    *,
    jobs: int,
) -> Iterator[EmbeddedFile]:
    """As `embed_files`, in worker processes where there are several: in the order in which they finish."""
    if is_serial(jobs, len(items)):
        yield from embed_files(items, parts, predictor, recipe, card)
        return
    folder, model = parts.absolute(), predictor.path
    size = max(1, min(_AT_A_TIME, len(items) // 64))  # a few long films are not to wait for one another
    blocks = [[light(item) for item in items[first : first + size]] for first in range(0, len(items), size)]
    tasks = [_Task(block, folder, model, recipe, dict(card)) for block in blocks]
    for done in map_blocks(_embed_task, tasks, _singles, jobs=jobs, lost=_lost, shared=folder):
        yield from done


@dataclass(frozen=True)
class _Task:
    """Some files for a worker process, and the encoder that it loads."""

    items: list[Item]
    parts: Path
    model: Path
    recipe: EmbedRecipe
    card: dict[str, Any]


def _embed_task(task: _Task) -> list[EmbeddedFile]:
    return list(embed_files(task.items, task.parts, _loaded(task.model, task.recipe), task.recipe, task.card))


def _singles(task: _Task) -> list[_Task]:
    """A task for each of the files of one."""
    return [replace(task, items=[item]) for item in task.items]


def _lost(task: _Task, error: AvtoolError) -> list[EmbeddedFile]:
    """The outcome of files that no worker process survived."""
    return [EmbeddedFile(item.name, "failed", error=error) for item in task.items]


@lru_cache(maxsize=1)
def _loaded(model: Path, recipe: EmbedRecipe) -> "Predictor":
    from avtool.inference.predictor import Predictor

    return Predictor(model, recipe.runtime, Silent()).only(recipe.modality)


def part_name(item: Item) -> str:
    """The name of the table of one file."""
    return f"{item.stem}.parquet"


def _windows(item: Item, predictor: "Predictor", recipe: EmbedRecipe) -> Iterator[Window]:
    if recipe.windows:
        yield from spaced_windows(item, predictor.inputs, recipe.windows)
    else:
        hop = recipe.hop or predictor.inputs.hop or predictor.inputs.seconds
        yield from iter_windows(item, predictor.inputs, hop)
