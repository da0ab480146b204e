"""The catalogue of the zoo: the rows that ship with avtool, those that a user adds, and their taxonomy."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.files import csv_text, csv_value, writing
from avtool.core.files import write_text as write_file
from avtool.core.paths import data_folder
from avtool.core.registry import nearest_hint
from avtool.models.zoo.row import COLUMNS, SOURCES, TIMM, CellError, Row, key_of, parse_row

SHIPPED = Path(__file__).with_name("catalogue.csv")
LISTING = "avtool zoo list --built"
_MOST_BYTES = 1 << 24


def user_file() -> Path:
    """Where the rows that `zoo add` merges are kept."""
    return data_folder() / "zoo.csv"


def read_rows(path: Path, taken: Mapping[str, str] | None = None) -> list[Row]:
    """The rows of a CSV file with a header; columns may be absent, and stand in any order.

    Args:
        path: the file.
        taken: names that are in use, by key, each with the file that has it.

    Raises:
        BadInputError: the file, a column or a value is wrong; the message names row, column and value.
    """
    lines = csv.reader(io.StringIO(_text_of(path)))
    header = [name.strip() for name in next(lines, [])]
    _check_header(path, header)
    seen = dict(taken or {})
    try:
        return [_row(path, lines.line_num, header, cells, seen) for cells in lines if cells]
    except csv.Error as error:
        raise BadInputError(f"`{path}`, line {lines.line_num}: no CSV ({error})", "save it again") from error


def _row(path: Path, line: int, header: Sequence[str], cells: Sequence[str], seen: dict[str, str]) -> Row:
    place = f"`{path}`, line {line}"
    if len(cells) != len(header):
        message = f"{place}: {len(cells)} cells under {len(header)} columns"
        raise BadInputError(message, "put a value with a comma in quotation marks")
    try:
        row = parse_row(dict(zip(header, map(csv_value, cells), strict=True)), f"user: {path.name}")
    except CellError as error:
        name = cells[header.index("name")].strip()
        raise BadInputError(
            f"{place}{f' (`{name:.60}`)' if name else ''}, {error}", "correct it, or leave the cell empty"
        ) from error
    if row.key in seen:
        message = f"{place}, column `name`: `{row.name}` is in `{seen[row.key]}` already"
        raise BadInputError(message, "choose another name")
    seen[row.key] = str(path)
    return row


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInputError(f"`{path}` is larger than 16 MiB", "is it a catalogue?")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInputError(f"`{path}` cannot be read: {error.strerror}", "give a CSV file") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"`{path}` is not in UTF-8", "save it in UTF-8") from error


def _check_header(path: Path, header: Sequence[str]) -> None:
    for name in header:
        if name not in COLUMNS:
            hint = nearest_hint(name, list(COLUMNS), "avtool zoo show NAME --json")
            raise BadInputError(f"`{path}`, line 1: no column is called `{name:.60}`", hint)
    if len(set(header)) < len(header):
        raise BadInputError(f"`{path}`, line 1: a column comes twice", "remove one of them")
    if "name" not in header:
        raise BadInputError(f"`{path}`, line 1: there is no column `name`", f"columns: {', '.join(COLUMNS)}")


@cache
def shipped_rows() -> tuple[Row, ...]:
    """The rows that ship with avtool."""
    return tuple(read_rows(SHIPPED))


def all_rows() -> tuple[Row, ...]:
    """The shipped rows, and those of the user.

    Raises:
        BadInputError: the user's file is damaged.
    """
    own = user_file()
    if not own.is_file():
        return shipped_rows()
    return (*shipped_rows(), *read_rows(own, {row.key: SHIPPED.name for row in shipped_rows()}))


def find_row(name: str) -> Row:
    """The row of a name, or of its key; `timm:NAME` is any network of timm.

    Raises:
        BadInputError: there is none; the message offers the nearest names.
    """
    if name.startswith(TIMM) and name != TIMM:
        return Row(name, heading="any network of timm", library="timm", builder=name.removeprefix(TIMM))
    rows = all_rows()
    found = {row.key: row for row in rows}.get(key_of(name))
    if found is None:
        hint = nearest_hint(key_of(name), [row.key for row in rows], LISTING)
        more = "" if LISTING in hint else f" `{LISTING}` shows them all"
        raise BadInputError(f"no row of the zoo is called `{name}`", hint + more)
    return found


def need_builder(row: Row) -> Row:
    """The row, if something builds it.

    Raises:
        BadInputError: nothing does; the message offers the nearest relative that is built, or the nearest
            networks of timm.
        MissingError: the row is any network of timm, which is absent.
    """
    if row.name.startswith(TIMM):
        from avtool.models.zoo.networks import check_timm

        check_timm(row.target)
    if row.is_built:
        return row
    built = [one for one in all_rows() if one.is_built and one.task == row.task]
    related = [one for one in built if one.heading == row.heading]
    near = [one for one in related if one.group == row.group] or related
    hint = f"the nearest built relative is `{near[0].key}`" if near else f"`{LISTING}` shows those that are"
    raise BadInputError(f"`{row.name}` has no builder: it is an entry of the catalogue alone", hint)


def add_rows(path: Path) -> list[Row]:
    """Merges the rows of a CSV file into the user's, and returns them.

    Raises:
        BadInputError: a row is wrong, or its name is taken.
    """
    rows = all_rows()
    shipped = {row.key for row in shipped_rows()}
    taken = {row.key: SHIPPED.name if row.key in shipped else str(user_file()) for row in rows}
    added = read_rows(path, taken)
    own = [row for row in rows if row.key not in shipped]
    with writing(user_file()):
        user_file().parent.mkdir(parents=True, exist_ok=True)
        write_file(user_file(), to_csv([*own, *added]))
    return added


def to_csv(rows: Iterable[Row]) -> str:
    """Rows as a catalogue's CSV text; `read_rows` reads the same rows back."""
    return csv_text(COLUMNS, ([_cell(row, column) for column in COLUMNS] for row in rows))


def _cell(row: Row, column: str) -> object:
    origin = {source: figure for figure, source in SOURCES.items()}.get(column)
    value = getattr(row, origin or column)
    if value is None:
        return ""
    if origin:
        return value.source
    return str(value.value) if column in SOURCES else value


Order = Callable[[Row], tuple[bool, float]]
_ORDERS: Mapping[str, Order] = {
    "year": lambda row: (row.year is None, row.year or 0),
    "params": lambda row: _ascending(params_of(row)),
    "macs": lambda row: _ascending(macs_of(row)),
    "score": lambda row: (row.score is None, -float(row.score.value) if row.score else 0),
}
ORDERS = ("catalogue", "name", *_ORDERS)
"""What rows can be sorted by; scores fall, all else rises, and what is unknown comes last."""


@dataclass(frozen=True)
class Selection:
    """Which rows to list.

    Attributes:
        task: of the rows; None for all.
        family: a heading or group of the taxonomy, or a part of its name.
        built: only rows with a builder.
        max_params: largest number of parameters, in millions; None for any.
        max_macs: largest number of multiply-accumulates, in billions; None for any.
        order: one of `ORDERS`.
    """

    task: str | None = None
    family: str = ""
    built: bool = False
    max_params: float | None = None
    max_macs: float | None = None
    order: str = "catalogue"

    def select(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that fit, in order; a row with an unknown figure does not fit a limit of it.

        Raises:
            BadInputError: the taxonomy has no such family.
        """
        wanted = self.family.casefold()
        names = dict.fromkeys(name for row in rows for name in (row.heading, row.group) if name)
        if wanted and not any(wanted in name.casefold() for name in names):
            hint = nearest_hint(self.family, list(names), "avtool zoo tree")
            raise BadInputError(f"the taxonomy has no family `{self.family}`", hint)
        found = [
            row
            for row in rows
            if (self.task is None or row.task == self.task)
            and (wanted in row.heading.casefold() or wanted in row.group.casefold())
            and (row.is_built or not self.built)
            and _within(params_of(row), self.max_params)
            and _within(macs_of(row), self.max_macs)
        ]
        if self.order == "name":
            return sorted(found, key=lambda row: row.name.casefold())
        return sorted(found, key=_ORDERS[self.order]) if self.order in _ORDERS else found


def params_of(row: Row) -> float | None:
    """Parameters in millions: counted, else published."""
    return row.params_m_measured or (float(row.params_m.value) if row.params_m else None)


def macs_of(row: Row) -> float | None:
    """Multiply-accumulates in billions: counted, else published."""
    return row.macs_g_measured or (float(row.macs_g.value) if row.macs_g else None)


def _within(value: float | None, limit: float | None) -> bool:
    return limit is None or (value is not None and value <= limit)


def _ascending(value: float | None) -> tuple[bool, float]:
    return value is None, value or 0.0


def tree(rows: Iterable[Row]) -> dict[str, dict[str, list[Row]]]:
    """The taxonomy: heading → group → rows, in the order of the catalogue."""
    found: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        found.setdefault(row.heading or "(none)", {}).setdefault(row.group or "(none)", []).append(row)
    return found


def tree_lines(rows: Iterable[Row], *, with_rows: bool = False) -> Iterator[str]:
    """The taxonomy as indented text, with the rows that are built and all rows of each branch."""
    for heading, groups in tree(rows).items():
        everything = [row for group in groups.values() for row in group]
        yield _branch(0, heading, everything)
        for group, members in groups.items():
            yield _branch(1, group, members)
            for row in members if with_rows else ():
                yield f"    {row.name}{'' if row.is_built else '  (no builder)'}"


def _branch(level: int, name: str, rows: Sequence[Row]) -> str:
    built = sum(row.is_built for row in rows)
    return f"{'  ' * level + name:<60} {built:>4} of {len(rows):>3} built"
