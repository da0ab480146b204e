"""Counts of rows of the zoo: parameters and MACs, one row after another, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.errors import AvtoolError, BadInputError, MissingError
from avtool.core.files import write_csv
from avtool.core.reporter import Reporter
from avtool.jobs.zoo.outputs import check_table
from avtool.models.zoo.catalogue import all_rows, find_row, need_builder
from avtool.models.zoo.row import Row

if TYPE_CHECKING:
    from avtool.models.zoo.measure import Count

COLUMNS = (
    "name", "key", "library", "builder", "height", "width", "num_classes", "params", "macs", "device",
    "seconds", "versions",
)  # fmt: skip


@dataclass(frozen=True)
class CountedRow:
    """A row of the catalogue with its counts."""

    row: Row
    count: "Count"

    def cells(self) -> tuple[object, ...]:
        """The cells of `COLUMNS`."""
        return (
            self.row.name, self.row.key, self.row.library, self.row.builder, self.count.height,
            self.count.width, self.count.num_classes, self.count.params, self.count.macs, self.count.device,
            self.count.seconds, self.count.versions,
        )  # fmt: skip


@dataclass(frozen=True)
class CountResult:
    """Rows with counts, and the errors of those without."""

    rows: Sequence[CountedRow]
    failed: Sequence[tuple[Row, AvtoolError]]


def chosen_rows(names: Sequence[str], *, everything: bool) -> list[Row]:
    """The rows of some names, or all with a builder.

    Raises:
        BadInputError: a row does not exist, or has no builder; or nothing is chosen, or both.
    """
    if bool(names) == everything:
        raise BadInputError("name some rows, or give --all", "avtool zoo list --built")
    if everything:
        return [row for row in all_rows() if row.is_built]
    return [need_builder(find_row(name)) for name in names]


def count(
    rows: Sequence[Row],
    reporter: Reporter,
    *,
    size: tuple[int, int] | None = None,
    num_classes: int | None = None,
    in_channels: int = 3,
    out: Path | None = None,
    overwrite: bool = False,
    cache: bool = True,
) -> CountResult:
    """Counts rows; equal builders are counted once.

    Args:
        rows: with builders.
        reporter: gets progress and the rows that fail.
        size: of the image; None for each row's own.
        num_classes: of the last layer; None for what a row was published with.
        in_channels: of the image.
        out: a CSV file for the counts.
        overwrite: replace older counts.
        cache: read and write counts in the cache folder.

    Raises:
        AvtoolError: the only row fails, or the file may not be written.
    """
    check_table(out, COLUMNS, overwrite=overwrite)
    counted, failed = [], []
    with reporter.progress("counting", len(rows)) as bar:
        from avtool.models.zoo.measure import count_row  # takes seconds, which the bar covers

        for row in rows:
            try:
                found = count_row(
                    row, size=size, num_classes=num_classes, in_channels=in_channels, cache=cache
                )
            except (BadInputError, MissingError) as error:
                if len(rows) == 1:
                    raise
                reporter.warn(f"{row.name}: {error.message}")
                failed.append((row, error))
            else:
                counted.append(CountedRow(row, found))
            bar.advance(note=row.key)
    if out is not None:
        write_csv(out, COLUMNS, [one.cells() for one in counted])
    return CountResult(counted, failed)
