"""CSV files of other people, read line by line: bounded, in UTF-8, and with line numbers in every error."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from avtool.core.errors import BadInputError

_MAX_BYTES = 2_000_000_000
_PEEK = 65536


class Line(NamedTuple):
    """One row: the number of its last line in the file, and its cells."""

    number: int
    cells: list[str]


def read_lines(path: Path, *, delimiter: str = ",", spaces: bool = False) -> Iterator[Line]:
    """The non-empty rows of a CSV file.

    Args:
        path: the file.
        delimiter: between cells.
        spaces: whether spaces after a delimiter belong to no cell, as in AudioSet's lists.

    Raises:
        BadInputError: the file is missing, too large, not UTF-8 or no CSV; the message names the line.
    """
    number = 0
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadInputError(f"`{path}` is larger than 2 GB", "is it a table?")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=spaces, strict=True)
            for cells in reader:
                number = reader.line_num
                if any(cells):
                    yield Line(number, cells)
    except OSError as error:
        raise BadInputError(f"cannot read `{path}`: {error.strerror}", "check the name") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"`{path}` is not in UTF-8", "save it as UTF-8 first") from error
    except csv.Error as error:
        raise BadInputError(f"`{path}` after line {number}: {error}", "is it a CSV file?") from error


def first_line(path: Path) -> str:
    """The first line of a text file; "" for a folder, and for what is no text."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_PEEK)
    except OSError:
        return ""
    return (
        "" if b"\0" in content else content.decode("utf-8-sig", errors="replace").partition("\n")[0].strip()
    )


def first_cells(path: Path) -> list[str]:
    """The cells of the first line, in lower case."""
    return [cell.strip(' "').lower() for cell in first_line(path).split(",")]


class Columns:
    """Cells by the name of their column.

    Args:
        path: the file, for messages.
        header: the first row.
        needed: columns that must be there.

    Raises:
        BadInputError: a needed column is not there.
    """

    def __init__(self, path: Path, header: Sequence[str], needed: Sequence[str]) -> None:
        self.path = path
        self.places: Mapping[str, int] = {name.strip().lower(): i for i, name in enumerate(header)}
        missing = [f"`{name}`" for name in needed if name not in self.places]
        if missing:
            have = ", ".join(header[:12])
            raise BadInputError(f"`{path}` has no column {', '.join(missing)}", f"its columns: {have}")

    def text(self, line: Line, name: str) -> str:
        """A cell without blanks around it; "" where the column or the cell is missing."""
        place = self.places.get(name)
        return line.cells[place].strip() if place is not None and place < len(line.cells) else ""

    def number(self, line: Line, name: str) -> float | None:
        """A cell as a number or time, None where it is empty."""
        text = self.text(line, name)
        return parse_time(text, self.path, line.number) if text else None


def parse_time(text: str, path: Path, line: int) -> float:
    """Seconds out of `12.5`, `1:02.5` or `00:01:02.5`.

    Raises:
        BadInputError: it is none of them, or negative.
    """
    try:
        seconds = 0.0
        for part in text.strip().split(":"):
            seconds = 60 * seconds + float(part)
    except ValueError:
        seconds = -1.0
    if not (math.isfinite(seconds) and seconds >= 0):
        raise BadInputError(f"`{path}` line {line}: `{text}` is not a time", "write seconds, or hh:mm:ss.s")
    return seconds
