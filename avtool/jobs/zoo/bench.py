"""Timing of rows of the zoo on this machine, row by row: an interrupted table keeps what is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import settings_hash
from avtool.core.artifact_folder import SETTINGS, check_settings
from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError, MissingError
from avtool.core.files import read_json, write_csv, write_json, writing
from avtool.core.recipe import identity
from avtool.core.reporter import Reporter
from avtool.core.writers import lock_folder, release_folder
from avtool.jobs.zoo.outputs import check_table
from avtool.jobs.zoo.recipes import BenchRecipe
from avtool.jobs.zoo.time_row import device_name, machine, times_of
from avtool.jobs.zoo.timing import COLUMNS, Timing
from avtool.models.zoo.row import Row

if TYPE_CHECKING:
    import torch


_PART = ".row.json"


@dataclass(frozen=True)
class BenchResult:
    """Timings, and the errors of rows that could not be timed."""

    timings: Sequence[Timing]
    failed: Sequence[tuple[Row, AvtoolError]]


def bench(
    rows: Sequence[Row],
    recipe: BenchRecipe,
    reporter: Reporter,
    *,
    out: Path | None = None,
    overwrite: bool = False,
) -> BenchResult:
    """Times rows with random weights, one after another; out of memory, smaller batches are tried.

    Args:
        rows: with builders.
        recipe: what is timed.
        reporter: gets progress and the rows that fail.
        out: a CSV file for the timings; beside it stands a folder `….parts` until it is whole, and rows that
            an interrupted call with equal settings has timed on this machine are not timed again.
        overwrite: replace older timings.

    Raises:
        MissingError: the device is not there.
        BadInputError: a precision does not fit the device; or the only row fails; or the file may not
            be written, or its parts are of other settings.
    """
    check_table(out, COLUMNS, overwrite=overwrite)
    import torch

    from avtool.models.runtime import choose_device

    choice = choose_device(recipe.device)
    reporter.info(f"device: {choice}")
    device = torch.device(choice.value)
    if device.type == "cpu" and "fp16" in recipe.precisions:
        raise BadInputError("fp16 needs a CUDA device", "use --precision bf16 or fp32")
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    settings = identity(recipe) | {"device": device_name(device), "machine": machine()}
    parts = None if out is None else _open_parts(out, settings, overwrite=overwrite)
    try:
        result = _time_rows(rows, recipe, device, parts, reporter)
        if out is not None:
            write_csv(out, COLUMNS, [one.cells() for one in result.timings])
    except AvtoolError:
        _close_parts(parts, finished=False)
        raise
    _close_parts(parts, finished=True)
    return result


def _time_rows(
    rows: Sequence[Row], recipe: BenchRecipe, device: "torch.device", parts: Path | None, reporter: Reporter
) -> BenchResult:
    timings: list[Timing] = []
    failed: list[tuple[Row, AvtoolError]] = []
    with reporter.progress("timing", len(rows)) as bar:
        for row in rows:
            try:
                found = _time_row(row, recipe, device, parts)
            except (BadInputError, MissingError) as error:
                if len(rows) == 1:
                    raise
                reporter.warn(f"{row.name}: {error.message}")
                failed.append((row, error))
            else:
                timings += found
                for note in (one.note for one in found if one.note):
                    reporter.warn(f"{row.name}: {note}")
            bar.advance(note=row.key)
    return BenchResult(timings, failed)


def _time_row(row: Row, recipe: BenchRecipe, device: "torch.device", parts: Path | None) -> list[Timing]:
    """The timings of a row: those of an interrupted call, or measured now."""
    if parts is None:
        return list(times_of(row, recipe, device))
    file = parts / f"{settings_hash([row.key, row.library, row.builder, row.size])}{_PART}"
    if file.is_file() and (kept := _kept(row, file)):
        return kept
    found = list(times_of(row, recipe, device))
    write_json(file, [one.values() for one in found])
    return found


def _kept(row: Row, file: Path) -> list[Timing]:
    """The timings of a part; none where it is damaged, as a power failure leaves it."""
    try:
        return [Timing.of_values(row, values) for values in read_json(file)]
    except (CorruptArtifactError, TypeError):
        return []


def _open_parts(out: Path, settings: Mapping[str, Any], *, overwrite: bool) -> Path:
    """The folder `….parts` beside a table, with the rows that an interrupted call has timed.

    Raises:
        BadInputError: another process writes it, or it is of other settings and `overwrite` is off.
    """
    parts = out.with_name(f"{out.name}.parts")
    lock_folder(parts)
    if overwrite:
        _remove_parts(parts)
    elif (parts / SETTINGS).is_file():
        check_settings(parts, settings)
    with writing(parts):
        write_json(parts / SETTINGS, settings)
    return parts


def _close_parts(parts: Path | None, *, finished: bool) -> None:
    """Removes parts whose table is written, or a folder without any."""
    if parts is None:
        return
    if finished or not any(parts.glob(f"*{_PART}")):
        _remove_parts(parts)
        if not any(parts.iterdir()):
            parts.rmdir()
    release_folder(parts)


def _remove_parts(parts: Path) -> None:
    with writing(parts):
        for path in (parts / SETTINGS, *parts.glob(f"*{_PART}")):
            path.unlink(missing_ok=True)
