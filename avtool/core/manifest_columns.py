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
_HINT = "`docs/reference/artifacts.md` lists the columns; `avtool prepare` makes them from a CSV file"


def checked_table(table: pa.Table, origin: str) -> pa.Table:
    """The table with the common columns first, of their own types and without nulls but in `fold`.

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
    column = table[name].combine_chunks()
    fits, needed = _KINDS[wanted]
    if not fits(column.type) and column.null_count < len(column):
        raise BadInputError(f"column `{name}` of `{origin}` holds {column.type}, not {needed}", _HINT)
    try:
        if name == "fold" and pa.types.is_floating(column.type):  # as pandas writes integers with gaps
            column = pc.if_else(pc.is_nan(column), None, column)
        column = column.cast(wanted)
    except pa.ArrowException as error:
        raise BadInputError(f"column `{name}` of `{origin}`: {error}", _HINT) from error
    return column if name == "fold" else _without_nulls(column)


def _without_nulls(column: pa.Array) -> pa.Array:
    if not column.null_count:
        return column
    if pa.types.is_list(column.type):
        return pa.array([row or [] for row in column.to_pylist()], column.type)
    return column.fill_null(float("nan") if pa.types.is_floating(column.type) else "")


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
    first_places = pc.index_in(ids, pc.unique(ids)).to_numpy()
    repeated = np.ones(len(ids), bool)
    repeated[np.unique(first_places, return_index=True)[1]] = False
    with np.errstate(invalid="ignore"):
        problems = [
            ("`clip_id` is empty", pc.equal(ids, "").to_numpy(zero_copy_only=False)),
            ("`media` is empty", pc.equal(columns["media"], "").to_numpy(zero_copy_only=False)),
            ("`clip_id` was there before", repeated),
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


def _has_null_label(labels: pa.Array) -> NDArray[np.bool_]:
    bad = np.zeros(len(labels), bool)
    flat = labels.flatten()
    if flat.null_count:
        parents = pc.list_parent_indices(labels).to_numpy()
        bad[parents[flat.is_null().to_numpy(zero_copy_only=False)]] = True
    return bad
