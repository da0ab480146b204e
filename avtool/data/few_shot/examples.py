"""Examples of a text task, read from a table or from lines of "label text"."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avtool.core.errors import BadInputError
from avtool.data.few_shot.text_task import TextTask

Duplicates = Literal["refuse", "first", "keep"]
_TABLES = {".csv", ".tsv"}
_MOST_BYTES = 1 << 30
_SHOWN = 5
_MISSING = {"", "nan"}


@dataclass(frozen=True, slots=True)
class Example:
    """One or two texts with their label.

    Attributes:
        texts: in the task's order.
        target: the class's number, or the value of a regression.
        label: as the file has it.
        group: what a grouped split keeps together; "" for nothing.
        row: where it stands in its file, from 1.
    """

    texts: tuple[str, ...]
    target: float
    label: str
    group: str = ""
    row: int = 0


@dataclass(frozen=True)
class TextTable:
    """A text file as rows of cells.

    Attributes:
        header: the names of the columns; empty where the file has none.
        rows: line number, and cells.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_examples(path: Path, task: TextTask, *, duplicates: Duplicates = "refuse") -> list[Example]:
    """Reads the labelled examples of a file.

    A table (.csv, .tsv) has the task's columns by name or number, or without a header the label and then the
    texts, as the published tables have; any other file has lines of "label text".

    Args:
        path: the file.
        task: its columns and classes.
        duplicates: what becomes of a text that comes again with another label: refused, the first one kept,
            or both, as the published splits have them.

    Raises:
        BadInputError: the file cannot be read, a column or a label is missing or wrong, or a text has two
            labels; with the rows.
    """
    table = read_table(path, needed=[*task.texts, task.label])
    columns = _columns(table, task, path)
    texts, label, group = columns["texts"], columns["label"][0], columns.get("group", [-1])[0]
    _refuse_two_kinds_of_missing(path, [(row, cells[label]) for row, cells in table.rows])
    found, wrong = [], []
    for row, cells in table.rows:
        name = cells[label].strip()
        try:
            target = task.target(name)
        except ValueError as error:
            wrong.append((row, str(error)))
            continue
        of_group = cells[group].strip() if group >= 0 else ""
        found.append(Example(tuple(cells[place] for place in texts), target, name, of_group, row))
    if wrong:
        raise BadInputError(
            f"`{path}` {_rows([row for row, _ in wrong])}: {wrong[0][1]}", "correct the labels"
        )
    return _without_duplicates(path, found, duplicates)


@dataclass(frozen=True)
class TextRows:
    """Texts of a file, with their line numbers, and their labels where the file has them, else ""."""

    texts: list[tuple[str, ...]]
    numbers: list[int]
    labels: list[str]


def read_text_rows(path: Path, texts: Sequence[str], label: str = "") -> TextRows:
    """Reads texts to classify: the rows of a table (.csv, .tsv), or the lines of any other file.

    Args:
        path: the file.
        texts: the columns; numbers from 0 where there is no header.
        label: the column of labels, where the table has it.

    Raises:
        BadInputError: it cannot be read, or lacks a column.
    """
    if path.suffix.lower() not in _TABLES:
        if len(texts) > 1:
            raise BadInputError(f"`{path}` has one text a line, and the task two", "give a CSV file")
        lines = [(number, line) for number, line in enumerate(_lines(_decode(path)), 1) if line.strip()]
        if not lines:
            raise BadInputError(f"`{path}` has no text", "give a text a line")
        return TextRows([(line,) for _, line in lines], [number for number, _ in lines], [""] * len(lines))
    table = read_table(path, needed=texts)
    places = [_place(table, name, path) for name in texts]
    known = table.header.index(label) if label in table.header else -1
    return TextRows(
        [tuple(cells[place] for place in places) for _, cells in table.rows],
        [number for number, _ in table.rows],
        [cells[known].strip() if known >= 0 else "" for _, cells in table.rows],
    )


def read_table(path: Path, needed: Sequence[str] = ()) -> TextTable:
    """A file as rows of equally many cells.

    Args:
        path: a table, or a file of lines "label text".
        needed: names that the first line of a table with a header has at least one of.

    Raises:
        BadInputError: it cannot be read, is empty, or a row has other cells than the first.
    """
    suffix = path.suffix.lower()
    text = _decode(path)
    if suffix == ".csv":
        rows = _parsed(path, text, delimiter=",", quoting=csv.QUOTE_MINIMAL)
    elif suffix == ".tsv":
        rows = _parsed(path, text, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        parts = [(number, tuple(line.split(" ", 1))) for number, line in enumerate(_lines(text), 1) if line]
        rows = [(number, cells if len(cells) == 2 else (*cells, "")) for number, cells in parts]
    if not rows:
        raise BadInputError(f"`{path}` has no rows", "give a table with texts and labels")
    first = rows[0][1]
    has_header = suffix in _TABLES and any(name in first for name in needed if not name.isdigit())
    header, body = (first, rows[1:]) if has_header else ((), rows)
    if odd := [row for row, cells in body if len(cells) != len(first)]:
        what = f"another number of cells than {len(first)}"
        raise BadInputError(
            f"`{path}` {_rows(odd)}: {what}", "quote texts with commas or line breaks in them"
        )
    if not body:
        raise BadInputError(f"`{path}` has no rows", "give a table with texts and labels")
    return TextTable(tuple(header), tuple((row, tuple(cells)) for row, cells in body))


def _decode(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInputError(f"`{path}` is larger than 1 GiB", "give a table of texts")
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"cannot read `{path}`: {error.strerror}", "give a table of texts") from error
    if b"\0" in data:
        raise BadInputError(f"`{path}` is no text file", "give a table of texts")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # as SST and MR are published


def _lines(text: str) -> list[str]:
    """Lines by line feeds alone: what latin-1 has at 0x85 is no end of a line."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def _parsed(path: Path, text: str, delimiter: str, quoting: int) -> list[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    limit = csv.field_size_limit(_MOST_BYTES)
    try:
        return [(reader.line_num, tuple(cells)) for cells in reader if cells]
    except csv.Error as error:
        raise BadInputError(f"`{path}` line {reader.line_num}: {error}", "save it as CSV in UTF-8") from error
    finally:
        csv.field_size_limit(limit)


def _columns(table: TextTable, task: TextTask, path: Path) -> dict[str, list[int]]:
    """The places of texts, label and group."""
    width = len(table.rows[0][1])
    named = [*task.texts, task.label]
    plain_lines = path.suffix.lower() not in _TABLES
    unnamed = not table.header and not all(name.isdigit() and int(name) < width for name in named)
    if plain_lines or (unnamed and width == 1 + len(task.texts) and _is_labels(table, task)):
        return {"label": [0], "texts": list(range(1, 1 + len(task.texts)))}
    places = {
        "texts": [_place(table, name, path) for name in task.texts],
        "label": [_place(table, task.label, path)],
    }
    if task.group:
        places["group"] = [_place(table, task.group, path)]
    return places


def _is_labels(table: TextTable, task: TextTask) -> bool:
    """Whether the first column of a table without a header holds the task's labels."""
    first = table.rows[0][1][0].strip()
    return first in task.index or (task.bounds is not None and first.replace(".", "", 1).isdigit())


def _place(table: TextTable, name: str, path: Path) -> int:
    if table.header.count(name) > 1:
        raise BadInputError(f"`{path}` has {table.header.count(name)} columns `{name}`", "rename all but one")
    if name in table.header:
        return table.header.index(name)
    if name.isdigit() and int(name) < len(table.rows[0][1]):
        return int(name)
    have = ", ".join(f"`{column}`" for column in (table.header or table.rows[0][1])[:20])
    message = f"`{path}` has no column `{name}`"
    raise BadInputError(message, f"its first line is {have}; the task's file names the columns")


def _refuse_two_kinds_of_missing(path: Path, labels: Sequence[tuple[int, str]]) -> None:
    """A column with "None" and blank cells has gone through a program that took "None" for missing."""
    blank = [row for row, name in labels if name.strip().lower() in _MISSING]
    if blank and any(name.strip() == "None" for _, name in labels):
        message = f'`{path}` {_rows(blank)}: labels are written both as "None" and as blank or NaN'
        raise BadInputError(message, "write one of them everywhere (pandas: keep_default_na=False)")
    if blank:
        raise BadInputError(f"`{path}` {_rows(blank)}: no label", "label them, or remove them")


def _without_duplicates(path: Path, found: list[Example], duplicates: Duplicates) -> list[Example]:
    if duplicates == "keep":
        return found
    first: dict[tuple[str, ...], Example] = {}
    clashes = []
    for example in found:
        known = first.setdefault(example.texts, example)
        if known.label != example.label:
            clashes.append((known, example))
    if clashes and duplicates == "refuse":
        one, two = clashes[0]
        text = " / ".join(one.texts).strip()[:60]
        shown = f"`{text}`" if text.strip(" /") else "the empty text"
        message = (
            f"`{path}` rows {one.row} and {two.row}: {shown} is `{one.label}` and `{two.label}`; "
            f"{len(clashes)} {'text has' if len(clashes) == 1 else 'texts have'} two labels"
        )
        raise BadInputError(message, "correct them, or keep the first: --set data.duplicates=first")
    return list(first.values()) if duplicates == "first" else found


def _rows(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_SHOWN]))
    more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
    return f"row{'s' if len(numbers) > 1 else ''} {shown}{more}"
