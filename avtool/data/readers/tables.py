"""Tables of other people, CSV, JSON Lines or Parquet: bounded, in UTF-8, and with line numbers in errors."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from avtool.core.errors import BadInputError
from avtool.core.files import csv_value

_MAX_BYTES = 2_000_000_000
_PEEK = 65536
_MAX_COUNT_DIGITS = 9
_MAX_COLUMNS = 1000
_PARQUET = ".parquet"
TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", _PARQUET)


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
    with _opened(path) as stream:
        reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=spaces, strict=True)
        try:
            for cells in reader:
                number = reader.line_num
                if any(cells):
                    yield Line(number, cells)
        except csv.Error as error:
            raise BadInputError(f"`{path}` after line {number}: {error}", "is it a CSV file?") from error


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadInputError(f"`{path}` is larger than 2 GB", "is it a table?")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield stream
    except OSError as error:
        raise BadInputError(f"cannot read `{path}`: {error.strerror}", "check the name") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"`{path}` is not in UTF-8", "save it as UTF-8 first") from error


def read_table(path: Path, separator: str = ";") -> tuple[list[str], Iterator[Line]]:
    """The header and the rows of a table: CSV with any usual delimiter, JSON Lines, or Parquet.

    Args:
        path: the file.
        separator: put between the values of a list in JSON Lines and Parquet.

    Raises:
        BadInputError: as `read_lines`, or a line is no JSON object, or the file no Parquet.
    """
    if path.suffix.lower() == _PARQUET:
        return _read_parquet(path, separator)
    if path.suffix.lower() == ".jsonl":
        return _read_json_lines(path, separator)
    lines = read_lines(path, delimiter=delimiter_of(path))
    return next(lines, Line(0, [])).cells, lines


def header_of(path: Path) -> set[str]:
    """The names of a table's columns, in lower case; of JSON Lines, those of its first line."""
    if path.suffix.lower() == _PARQUET:
        try:
            return {name.strip().lower() for name in _schema_of(path)}
        except BadInputError:
            return set()
    line = first_line(path)
    if path.suffix.lower() == ".jsonl":
        first = _json_object(line)
        return {name.strip().lower() for name in first or {}}
    return {cell.strip(' "').lower() for cell in line.split(delimiter_of(path))}


def delimiter_of(path: Path) -> str:
    """The delimiter that cuts the header into the most cells."""
    return max((",", ";", "\t"), key=first_line(path).count)


def _schema_of(path: Path) -> list[str]:
    """The columns of a Parquet file that hold texts, numbers, truths, or lists of them."""
    import pyarrow.parquet as parquet
    from pyarrow import ArrowException, types

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadInputError(f"`{path}` is larger than 2 GB", "is it a table?")
        schema = parquet.read_schema(path)
    except (OSError, ArrowException) as error:
        raise BadInputError(f"`{path}` is no Parquet file", "get it again") from error

    def is_plain(kind: object) -> bool:
        if types.is_list(kind) or types.is_large_list(kind):
            kind = kind.value_type  # type: ignore[attr-defined]
        if types.is_dictionary(kind):
            kind = kind.value_type  # type: ignore[attr-defined]
        tests = (
            types.is_string,
            types.is_large_string,
            types.is_integer,
            types.is_floating,
            types.is_boolean,
        )
        return any(test(kind) for test in tests)

    return [field.name for field in schema if is_plain(field.type)]


def _read_parquet(path: Path, separator: str) -> tuple[list[str], Iterator[Line]]:
    import pyarrow.parquet as parquet
    from pyarrow import ArrowException

    header = _schema_of(path)
    if not header:
        return [], iter(())
    try:
        rows = parquet.read_table(path, columns=header).to_pylist()
    except (OSError, ArrowException) as error:
        raise BadInputError(f"`{path}` is a damaged Parquet file", "get it again") from error
    return header, (
        Line(number, [_cell(row[name], separator) for name in header]) for number, row in enumerate(rows, 1)
    )


def _cell(value: object, separator: str) -> str:
    """A value of JSON or Parquet as a table's cell."""
    if isinstance(value, list):
        return separator.join(_cell(one, separator) for one in value)
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _read_json_lines(path: Path, separator: str) -> tuple[list[str], Iterator[Line]]:
    objects: list[tuple[int, dict[str, object]]] = []
    with _opened(path) as stream:
        for number, text in enumerate(stream, start=1):
            if not text.strip():
                continue
            found = _json_object(text)
            if found is None:
                raise BadInputError(f"`{path}` line {number} is no JSON object", "a line is one object")
            objects.append((number, found))
    header = list(dict.fromkeys(name for _, found in objects for name in found))

    return header, (
        Line(number, [_cell(found.get(name), separator) for name in header]) for number, found in objects
    )


def _json_object(text: str) -> dict[str, object] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


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
        if len(header) > _MAX_COLUMNS:
            message = f"`{path}` has {len(header)} columns, more than {_MAX_COLUMNS}"
            raise BadInputError(message, "is it a table of clips?")
        self.places: Mapping[str, int] = {name.strip().lower(): i for i, name in enumerate(header)}
        missing = [f"`{name}`" for name in needed if name not in self.places]
        if missing:
            have = ", ".join(header[:12])
            raise BadInputError(f"`{path}` has no column {', '.join(missing)}", f"its columns: {have}")

    def text(self, line: Line, name: str) -> str:
        """A cell without blanks around it; "" where the column or the cell is missing."""
        place = self.places.get(name)
        return csv_value(line.cells[place].strip()) if place is not None and place < len(line.cells) else ""

    def number(self, line: Line, name: str) -> float | None:
        """A cell as a number or time, None where it is empty."""
        text = self.text(line, name)
        return parse_time(text, self.path, line.number) if text else None

    def count(self, line: Line, name: str) -> int | None:
        """A cell as a whole number from 0 on, None where it is empty.

        Raises:
            BadInputError: it is none, or one of more digits than any fold or class has.
        """
        text = self.text(line, name)
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_COUNT_DIGITS):
            message = f"`{self.path}` line {line.number}: `{text:.40}` is not a {name}'s number"
            raise BadInputError(message, "correct the line")
        return int(text)


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
