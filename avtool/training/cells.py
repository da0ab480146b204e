"""Cells: trainings over settings and seeds, the result of each kept as soon as it is there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avtool.core.files import read_json, write_csv, write_json
from avtool.core.reporter import Reporter

_RECORDS, _TABLE, _WORK = "cells", "runs.csv", "trainings"


@dataclass(frozen=True)
class CellResult:
    """What a cell came to.

    Attributes:
        methods: metrics on the test samples, by the name of what was scored.
        seed: of draw and training.
        rows: its trainings as rows of `runs.csv`; those of all cells of a table have the same keys.
        dev: the validation metric, by which cells of one method are chosen between.
    """

    methods: Mapping[str, Mapping[str, float]]
    seed: int
    rows: Sequence[Mapping[str, Any]] = ()
    dev: float = 0.0


@dataclass(frozen=True)
class Cell:
    """A method under one setting, with one seed.

    Attributes:
        name: of its record, and in progress; no two cells of a table share one.
        run: trains and scores it; takes a folder of the table's own, for what it leaves or resumes from.
    """

    name: str
    run: Callable[[Path], CellResult]


def run_cells(
    cells: Sequence[Cell], folder: Path, reporter: Reporter, title: str = "cells"
) -> list[CellResult]:
    """Runs cells in their order; those that an earlier call finished in `folder` are read.

    Args:
        cells: to run.
        folder: receives `cells/NAME.json`, and `runs.csv` after every cell.
        reporter: receives progress.
        title: of the bar.

    Raises:
        AvtoolError: a training failed.
    """
    results = []
    with reporter.progress(title, len(cells)) as bar:
        for cell in cells:
            record = _record(folder, cell)
            if not record.is_file():
                write_json(record, asdict(cell.run(folder)))
            results.append(CellResult(**read_json(record)))
            if rows := [row for each in results for row in each.rows]:
                write_csv(folder / _TABLE, list(rows[0]), [list(row.values()) for row in rows])
            bar.advance(note=cell.name)
    return results


def read_cells(cells: Sequence[Cell], folder: Path) -> list[CellResult]:
    """The results of finished cells.

    Raises:
        CorruptArtifactError: one is missing.
    """
    return [CellResult(**read_json(_record(folder, cell))) for cell in cells]


def _record(folder: Path, cell: Cell) -> Path:
    return folder / _RECORDS / f"{cell.name}.json"


def work_folder(folder: Path, name: str) -> Path:
    """Where a cell keeps unfinished trainings."""
    return folder / _WORK / name


def has_begun(folder: Path) -> bool:
    """Whether there is anything to resume from."""
    return any((folder / name).exists() for name in (_RECORDS, _WORK))
