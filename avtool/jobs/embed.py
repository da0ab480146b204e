"""Writes the features that an encoder gives of any files, window by window, as one Parquet file."""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import avtool
from avtool.core.errors import AvtoolError, BadInputError, DiskFullError, MissingError, SomeFailedError
from avtool.core.files import sha256_of, writing
from avtool.core.reporter import Reporter
from avtool.inference.embed_recipe import EmbedRecipe
from avtool.inference.feature_table import feature_table, join_tables, read_card, write_table
from avtool.inference.predict_recipe import PredictRecipe
from avtool.inference.sources import Item, find_items
from avtool.inference.windows import Window, in_batches, iter_windows, spaced_windows
from avtool.models.start import weights_file

if TYPE_CHECKING:
    from avtool.inference.encoder import FeatureEncoder

_OF_THE_MACHINE = {"runtime", "batch_size", "split", "folds"}


@dataclass(frozen=True)
class EmbeddedFile:
    """How one file ended.

    Attributes:
        name: the file, or the clip's id.
        status: `embedded`, `kept` (done before an interruption) or `failed`.
        windows: features that it gave.
        error: what went wrong, when it failed.
    """

    name: str
    status: str
    windows: int = 0
    error: AvtoolError | None = None


@dataclass(frozen=True)
class EmbedResult:
    """What was written: the table, its rows, the width of a feature, each file, and the wall time."""

    out: Path
    rows: int
    width: int
    modality: str
    files: list[EmbeddedFile]
    seconds: float

    @property
    def failed(self) -> list[EmbeddedFile]:
        """The files that could not be embedded."""
        return [file for file in self.files if file.status == "failed"]


def embed(
    sources: Sequence[str],
    encoder: Path,
    out: Path,
    recipe: EmbedRecipe,
    reporter: Reporter,
    *,
    overwrite: bool = False,
    fail_fast: bool = False,
) -> EmbedResult:
    """Embeds every file; memory does not grow with their length, and an interrupted call can go on.

    Args:
        sources: files, folders, and data sets.
        encoder: a model, a run, or a checkpoint.
        out: the Parquet file to write; beside it stands a folder `….parts` until it is whole.
        recipe: the settings.
        reporter: told about progress and files that fail.
        overwrite: replace an older file.
        fail_fast: stop at the first file that fails.

    Raises:
        AvtoolError: the encoder cannot be used, or no file could be embedded (a single file's own error).
    """
    begin = time.perf_counter()
    from avtool.inference.encoder import FeatureEncoder

    if out.is_dir() or (out.exists() and not overwrite):
        raise BadInputError(f"`{out}` exists", "add --overwrite, or choose another --out")
    if recipe.hop and recipe.windows:
        raise BadInputError("--hop and --windows are both given", "give one of them")
    model = FeatureEncoder(encoder, recipe.modality, recipe.runtime, reporter)
    chosen = PredictRecipe(split=recipe.split, folds=recipe.folds)
    items = find_items(sources, chosen, pictures=model.modality == "image")
    card = {
        "avtool": avtool.__version__,
        "encoder": str(encoder),
        "weights": sha256_of(weights_file(encoder)),
        "modality": model.modality,
        "settings": recipe.model_dump(mode="json", exclude=_OF_THE_MACHINE),
    }
    parts = out.with_name(f"{out.name}.parts")
    with writing(parts):
        if overwrite:
            shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(parents=True, exist_ok=True)
    files = []
    with reporter.progress("embedding", len(items)) as bar:
        for item in items:
            files.append(_one(item, parts, model, recipe, card))
            if error := files[-1].error:
                if fail_fast or len(items) == 1 or isinstance(error, DiskFullError | MissingError):
                    _forget_if_empty(parts)
                    raise error
                reporter.warn(f"{item.name} failed: {error}")
            bar.advance(note=item.path.name)
    done = [_part(parts, item) for item, file in zip(items, files, strict=True) if file.error is None]
    if not done:
        _forget_if_empty(parts)
        raise SomeFailedError(f"none of the {len(items)} files could be embedded", "the warnings say why")
    width = int(read_card(done[0])["width"])
    rows = join_tables(done, out, {**card, "width": width})
    shutil.rmtree(parts)
    return EmbedResult(out, rows, width, model.modality, files, round(time.perf_counter() - begin, 3))


def _forget_if_empty(parts: Path) -> None:
    if not any(parts.iterdir()):
        parts.rmdir()


def _one(
    item: Item, parts: Path, model: "FeatureEncoder", recipe: EmbedRecipe, card: dict[str, Any]
) -> EmbeddedFile:
    path = _part(parts, item)
    state = {**card, "state": item.state()}
    known = read_card(path)
    if known and {name: known.get(name) for name in state} == state:
        return EmbeddedFile(item.name, "kept", int(known["windows"]))
    try:
        item.ready()
        spans, features = [], []
        for windows in in_batches(_windows(item, model, recipe), recipe.batch_size):
            features.append(model.embed(windows))
            spans += [(window.start, window.end) for window in windows]
    except AvtoolError as error:
        return EmbeddedFile(item.name, "failed", error=error)
    values = np.concatenate(features)
    counts = {"windows": len(values), "width": values.shape[1]}
    write_table(path, feature_table(item.name, spans, values), {**state, **counts})
    return EmbeddedFile(item.name, "embedded", len(values))


def _windows(item: Item, model: "FeatureEncoder", recipe: EmbedRecipe) -> Iterator[Window]:
    if recipe.windows:
        yield from spaced_windows(item, model.feed, recipe.windows)
    else:
        yield from iter_windows(item, model.feed, recipe.hop or model.feed.window_seconds)


def _part(parts: Path, item: Item) -> Path:
    return parts / f"{item.stem}.parquet"
