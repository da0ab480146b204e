"""The columns that every manifest has, and the check that a table has them and that its rows make sense."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from avtool.core.errors import BadInputError

COLUMNS = pa.schema(
    [
        ("clip_id", pa.string()), ("media", pa.string()), ("start", pa.float64()), ("end", pa.float64()),
        ("split", pa.string()), ("fold", pa.int32()), ("labels", pa.list_(pa.string())),
        ("text", pa.string()), ("group", pa.string()),
    ]
)  # fmt: skip
_LONGEST = 1e6  # seconds, eleven days
_REQUIRED = ("clip_id", "media", "start", "end")
_BLOCK = 1 << 18  # rows
_HINT = "`docs/reference/artifacts.md` lists the columns; `avtool prepare` makes them from a CSV file"


def checked_table(table: pa.Table, origin: str) -> pa.Table:
    """The table with the common columns first, of their own types and without nulls but in `fold`.

    Text may stay encoded by a dictionary, in which a name of many rows is held once.

    Args:
        table: as it was read.
        origin: its name, for messages.

    Raises:
        BadInputError: a column is missing or of another type, or a row makes no sense; rows count from 1.
    """
    missing = [name for name in _REQUIRED if name not in table.column_names]
    if missing:
        raise BadInputError(f"`{origin}` has no column {', '.join(f'`{n}`' for n in missing)}", _HINT)
    columns = {field.name: _column(table, field, origin) for field in COLUMNS}
    _check_rows(columns, origin)
    extras = {name: table[name] for name in table.column_names if name not in columns}
    return pa.table({**columns, **extras})


def _column(table: pa.Table, field: pa.Field, origin: str) -> pa.Array:
    """A column in the type wanted, its nulls replaced."""
    name, wanted = field.name, field.type
    if name not in table.column_names:
        empty = pa.nulls(table.num_rows, wanted)
        return empty if name == "fold" else _without_nulls(empty)
    column = table[name].chunk(0) if table[name].num_chunks == 1 else table[name].combine_chunks()
    fits, needed = _KINDS[wanted]
    if not fits(column.type) and column.null_count < len(column):
        found = plain_type(column.type)
        raise BadInputError(f"column `{name}` of `{origin}` holds {found}, not {needed}", _HINT)
    try:
        if name == "fold" and pa.types.is_floating(column.type):  # as pandas writes integers with gaps
            column = pc.if_else(pc.is_nan(column), None, column)
        column = column if _is_encoded(column.type, wanted) else column.cast(wanted)
    except pa.ArrowException as error:
        raise BadInputError(f"column `{name}` of `{origin}`: {error}", _HINT) from error
    return column if name == "fold" else _without_nulls(column)


def _without_nulls(column: pa.Array) -> pa.Array:
    if not column.null_count:
        return column
    if pa.types.is_list(column.type):
        return pc.coalesce(column, pa.scalar([], column.type))
    return column.fill_null(float("nan") if pa.types.is_floating(column.type) else "")


def plain_type(kind: pa.DataType) -> pa.DataType:
    """A type without dictionaries, and with Arrow's own name for the values of lists."""
    if pa.types.is_list(kind):
        return pa.list_(plain_type(kind.value_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(plain_type(kind.value_type))
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_encoded(kind: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a type is the wanted one, or a list of it, encoded by a dictionary."""
    if pa.types.is_list(kind) and pa.types.is_list(wanted):
        kind, wanted = kind.value_type, wanted.value_type
    return bool(pa.types.is_dictionary(kind) and kind.value_type == wanted)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_text_list(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(is_list and (_is_text(kind.value_type) or pa.types.is_null(kind.value_type)))


_KINDS: dict[pa.DataType, tuple[Callable[[pa.DataType], bool], str]] = {
    pa.string(): (_is_text, "text"),
    pa.float64(): (_is_number, "numbers"),
    pa.int32(): (_is_number, "whole numbers"),
    pa.list_(pa.string()): (_is_text_list, "lists of text"),
}


def _check_rows(columns: dict[str, pa.Array], origin: str) -> None:
    start, end = columns["start"].to_numpy(), columns["end"].to_numpy()
    ids = columns["clip_id"]
    with np.errstate(invalid="ignore"):
        problems = [
            ("`clip_id` is empty", pc.equal(ids, "").to_numpy(zero_copy_only=False)),
            ("`media` is empty", _is_empty(columns["media"])),
            ("`clip_id` was there before", _repeated(ids)),
            ("`start` is not a time", ~(start >= 0) | np.isinf(start)),
            ("`end` is not after `start`", ~(end > start) | np.isinf(end)),
            ("`end` is no time of a medium", end > _LONGEST),
            ("a label is null", _has_null_label(columns["labels"])),
        ]
    for what, bad in problems:
        if bad.any():
            rows = np.flatnonzero(bad)
            row = rows[0]
            more = f", and in {len(rows) - 1} more rows" if len(rows) > 1 else ""
            shown = f"`{ids[row]}`: {start[row]:g} to {end[row]:g} s"
            raise BadInputError(f"`{origin}` row {row + 1}: {what} ({shown}){more}", "correct the rows")


def _repeated(ids: pa.Array) -> NDArray[np.bool_]:
    """Which ids stand in an earlier row too: of those of equal hashes, so that few are held as text."""
    hashes = np.empty(len(ids), np.int64)
    for first in range(0, len(ids), _BLOCK):
        block = ids.slice(first, _BLOCK).to_pylist()
        hashes[first : first + len(block)] = [hash(name) for name in block]
    ranked = np.sort(hashes)
    equal = ranked[1:][ranked[1:] == ranked[:-1]]
    repeated = np.zeros(len(ids), bool)
    seen: set[str] = set()
    for row in np.flatnonzero(np.isin(hashes, equal)).tolist() if equal.size else ():
        name = ids[row].as_py()
        repeated[row] = name in seen
        seen.add(name)
    return repeated


def _is_empty(column: pa.Array) -> NDArray[np.bool_]:
    encoded = pa.types.is_dictionary(column.type)
    empty = pc.equal(column.dictionary if encoded else column, "")
    rows: NDArray[np.bool_] = (empty.take(column.indices) if encoded else empty).to_numpy(
        zero_copy_only=False
    )
    return rows


def _has_null_label(labels: pa.Array) -> NDArray[np.bool_]:
    bad = np.zeros(len(labels), bool)
    flat = labels.flatten()
    if flat.null_count:
        parents = pc.list_parent_indices(labels).to_numpy()
        bad[parents[flat.is_null().to_numpy(zero_copy_only=False)]] = True
    return bad


def distinct_rows(table: pa.Table) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Which of the distinct rows each row is, (N,), and where each of them stands first.

    The distinct rows are numbered in the order in which they first stand.

    Args:
        table: columns of text, numbers or truth values.
    """
    numbers, first = np.zeros(len(table), np.int64), np.zeros(min(1, len(table)), np.int64)
    for column in table.combine_chunks().columns:
        values = column.chunk(0) if column.num_chunks else pa.array([], column.type)
        encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()
        numbers = numbers * (len(encoded.dictionary) + 1) + codes
        _, first, numbers = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    return rank[numbers], first[order]
