"""The shards of a batch joined: its tables written from the results that the shards left.

Mining, prediction and captioning run over the whole list again and keep what the shards did: the films must
be where they were. Features need nothing but the shards' tables.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as parquet
from pydantic import ValidationError

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import atomic_file, check_own_output, writing
from avtool.core.recipe import Recipe
from avtool.core.reporter import Reporter
from avtool.core.shard import read_shards
from avtool.data.feature_table import read_card, with_card

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Merged:
    """What was written: where, by which verb, of how many inputs, of which some failed."""

    out: Path
    verb: str
    inputs: int
    failed: int


def merge(
    shards: Sequence[Path],
    out: Path,
    reporter: Reporter,
    *,
    complete: bool = False,
    overwrite: bool = False,
    command: str = "merge",
) -> Merged:
    """Joins all shards of a batch; the result is that of the batch on one machine.

    Args:
        shards: what each `--shard i/n` wrote, in any order.
        out: what to write.
        reporter: gets progress.
        complete: do here what shards that are not given would have done; features cannot.
        overwrite: replace what stands in `out`.
        command: the command line, for the card.

    Raises:
        BadInputError: they are no shards, not all of one batch, or a film is not where it was.
        CorruptArtifactError: a shard is damaged.
    """
    if all(path.is_file() for path in shards):
        return _merge_features(shards, out, overwrite=overwrite)
    verb, given = read_shards(shards, all_given=not complete)
    try:
        done, failed = _VERBS[verb](_Batch(given, shards, out, reporter, overwrite, command))
    except (KeyError, TypeError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise CorruptArtifactError(
            f"`{shards[0]}` names no batch of this avtool ({first:.120})", "run the shards again"
        ) from error
    return Merged(out, verb, done, failed)


@dataclass(frozen=True)
class _Batch:
    """A batch whose shards are joined: the arguments of `shard.json`, and those of `merge`."""

    given: dict[str, Any]
    shards: Sequence[Path]
    out: Path
    reporter: Reporter
    overwrite: bool
    command: str

    def apply(self, job: Callable[..., _Result], schema: type[Recipe]) -> _Result:
        """Repeats a job that applies a model to files, over the whole list."""
        return job(
            self.given["sources"], Path(self.given["model"]), self.out,
            schema.model_validate(self.given["recipe"]), self.reporter,
            overwrite=self.overwrite, command=self.command, earlier=self.shards,
        )  # fmt: skip


def _merge_mined(batch: _Batch) -> tuple[int, int]:
    from avtool.mining.mine_subtitles import mine_subtitles
    from avtool.mining.pairing import pair_films
    from avtool.mining.recipe import MineRecipe

    *films, captions = batch.given["sources"]
    recipe, kinds = MineRecipe.model_validate(batch.given["recipe"]), None
    if recipe.kind is not None:
        from avtool.jobs.cue_classes import kinds_of

        kinds = kinds_of(recipe, batch.reporter)
    result = mine_subtitles(
        pair_films(films, captions), batch.out, recipe, batch.reporter,
        overwrite=batch.overwrite, command=batch.command, kinds=kinds, earlier=batch.shards,
    )  # fmt: skip
    return len(result.films), len(result.failed)


def _merge_predictions(batch: _Batch) -> tuple[int, int]:
    from avtool.inference.recipes import PredictRecipe
    from avtool.jobs.predict import predict

    result = batch.apply(predict, PredictRecipe)
    return len(result.files), len(result.failed)


def _merge_captions(batch: _Batch) -> tuple[int, int]:
    from avtool.jobs.caption.job import caption
    from avtool.jobs.caption.recipe import CaptionRecipe

    result = batch.apply(caption, CaptionRecipe)
    return len(result.films), len(result.failed)


_VERBS = {"mine-subtitles": _merge_mined, "predict": _merge_predictions, "caption": _merge_captions}


def _merge_features(shards: Sequence[Path], out: Path, *, overwrite: bool) -> Merged:
    """Writes the rows of each file in the order of the whole list, as `embed` does."""
    check_own_output(out, shards, read_card, "holds no features of avtool", overwrite=overwrite)
    tables = _ordered(shards)
    total = written = 0
    with atomic_file(out) as partial:
        writer = None
        try:
            for row in zip_longest(*(table.names for table in tables)):
                for table, name in zip(tables, row, strict=True):
                    total += name is not None
                    rows = table.take(name) if name is not None else None
                    if rows is not None:
                        writer = writer or parquet.ParquetWriter(partial, rows.schema, compression="zstd")
                        writer.write_table(rows)
                        written += 1
        finally:
            if writer is not None:
                with writing(out):
                    writer.close()
    return Merged(out, "embed", total, total - written)


class _ShardTable:
    """The table of features of a shard, read file by file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.card = read_card(path)
        names = self.card.pop("names", None)
        shard = self.card.pop("shard", None)
        if not isinstance(names, list) or not isinstance(shard, list) or len(shard) != 2:
            raise BadInputError(f"`{path}` is no shard of features", "`avtool embed --shard 1/4` writes one")
        self.names, self.index, self.count = [str(name) for name in names], int(shard[0]), int(shard[1])
        self._file = parquet.ParquetFile(path)
        self._group = 0

    def take(self, name: str) -> pa.Table | None:
        """The rows of a file, if it is the next one; None of one that could not be embedded."""
        groups = []
        while self._group < self._file.num_row_groups:
            rows = self._file.read_row_group(self._group)
            if rows["clip_id"][0].as_py() != name:
                break
            groups.append(rows)
            self._group += 1
        return with_card(pa.concat_tables(groups), self.card) if groups else None


def _ordered(shards: Sequence[Path]) -> list[_ShardTable]:
    """The tables of all shards of a batch, in their order.

    Raises:
        BadInputError: they are none, or not all of one batch.
    """
    try:
        tables = sorted(map(_ShardTable, shards), key=lambda table: table.index)
    except (pa.ArrowException, OSError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorruptArtifactError(f"a shard cannot be read ({first:.200})", "embed it again") from error
    count = tables[0].count
    if any((table.card, table.count) != (tables[0].card, count) for table in tables):
        raise BadInputError("the shards are of different batches", "join shards of one list and encoder")
    if [table.index for table in tables] != list(range(1, count + 1)):
        have = ", ".join(str(table.index) for table in tables)
        raise BadInputError(f"of {count} shards these are given: {have}", "give each of them once")
    return tables
