"""The query table: a row is a query, a film, and a segment of it that shows or sounds it.

Rows of one `query_id` are the segments of one query, such as each instance of a label. In
CSV and in JSON Lines the columns are the same; `media`, `kind`, `query`, `start` and `end` must be there.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from avtool.core.errors import BadInputError
from avtool.core.files import csv_text, csv_value, write_text
from avtool.data.queries.checks import TimedPixelBox, WindowProblems, checked_boxes
from avtool.data.readers.tables import Line, read_table
from avtool.data.readers.video_queries import as_number, brief, read_json_lines

Kind = Literal["image", "text", "label", "audio"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_REQUIRED: Final = ("media", "kind", "query", "start", "end")
_NUMBERS: Final = ("query_start", "query_end", "search_end", "offset", "fps", "duration")
_BOXES: Final = {"frame_size": 2, "query_box": 4}
_SOURCE: Final = ("video", "clip", "annotation", "index")


@dataclass(frozen=True, slots=True)
class QueryRow:
    """A segment of a query.

    Attributes:
        query_id: of the query; several rows have it where it has several segments.
        media: the film, absolute or relative to the table.
        kind: `image`, `text`, `label` or `audio`.
        query: the text, the label, or the path of an image, a film or a sound file.
        start: of the segment, in seconds of the film.
        end: of the segment, exclusive.
        split: `train`, `val`, `test`, or "".
        group: what splits never cross; "" is the film.
        boxes: (seconds, x, y, width, height) in pixels of `frame_size`, in order of time.
        frame_size: width and height in pixels; None where there are no boxes.
        absent: the film has none; `start` and `end` are 0.
        query_start: where the query lies in the file `query`, in seconds; of an image query, its frame.
        query_end: end of an audio query in its file.
        query_box: (x, y, width, height) of an image query in its frame, in pixels.
        query_name: what an image shows, where that is known.
        search_end: only the film before it is searched, in seconds; None searches all.
        offset: time of the film that is 0 in the source's own times, in seconds.
        fps: frames a second that the source counts boxes in.
        duration: of what the source's times lie in, in seconds; None where it is not known.
        video, clip, annotation, index: of the source's own records.
    """

    query_id: str
    media: str
    kind: Kind
    query: str
    start: float
    end: float
    split: str = ""
    group: str = ""
    boxes: tuple[TimedPixelBox, ...] = ()
    frame_size: tuple[float, float] | None = None
    absent: bool = False
    query_start: float | None = None
    query_end: float | None = None
    query_box: tuple[float, float, float, float] | None = None
    query_name: str = ""
    search_end: float | None = None
    offset: float = 0.0
    fps: float | None = None
    duration: float | None = None
    video: str = ""
    clip: str = ""
    annotation: str = ""
    index: str = ""


_DEFAULTS: Final = {one.name: one.default for one in fields(QueryRow)}
COLUMNS: Final = tuple(_DEFAULTS)
"""Of a table; those that no row has are not written."""


@dataclass(frozen=True)
class QueryTable:
    """Rows, in order.

    Attributes:
        rows: of all queries.
        folder: what relative media are relative to.
        dropped: rows that were dropped, and `clipped` those that were cut, when it was read to be fixed.
    """

    rows: tuple[QueryRow, ...]
    folder: Path = field(default_factory=Path)
    dropped: int = 0
    clipped: int = 0

    def __len__(self) -> int:
        """Rows."""
        return len(self.rows)

    def __iter__(self) -> Iterator[QueryRow]:
        return iter(self.rows)

    def media(self, row: QueryRow) -> Path:
        """The film of a row."""
        return self.folder / row.media

    def query_file(self, row: QueryRow) -> Path:
        """The file of an image or audio query."""
        return self.folder / row.query

    def of(self, *, split: str = "", kinds: Sequence[str] = KINDS) -> "QueryTable":
        """The rows of a split ("" is any) and of some kinds."""
        return replace(
            self,
            rows=tuple(one for one in self.rows if (not split or one.split == split) and one.kind in kinds),
        )

    def queries(self) -> Mapping[str, Sequence[QueryRow]]:
        """`query_id` → its segments."""
        found: dict[str, list[QueryRow]] = {}
        for row in self.rows:
            found.setdefault(row.query_id, []).append(row)
        return found

    def by_media(self) -> Mapping[str, Sequence[QueryRow]]:
        """`media` → rows of that film."""
        found: dict[str, list[QueryRow]] = {}
        for row in self.rows:
            found.setdefault(row.media, []).append(row)
        return found


def read_queries(path: Path, *, fix: bool = False, empty: bool = False) -> QueryTable:
    """Reads a table.

    Args:
        path: CSV, or JSON Lines (`.jsonl`).
        fix: drop rows that end before they start or are not finite, and cut boxes to their frame.
        empty: keep segments without a length, which no prediction finds.

    Raises:
        BadInputError: it cannot be read, lacks a column, or a row makes no sense; rows count from 1.
    """
    problems = WindowProblems(fix)
    records = _json_records(path) if path.suffix.lower() == ".jsonl" else _csv_records(path)
    rows = []
    for number, (where, record) in enumerate(records, start=1):
        if (row := _row(record, where, number, problems, empty=empty)) is not None:
            rows.append(row)
    if not rows:
        raise BadInputError(f"`{path}` has no queries", f"its columns: {', '.join(_REQUIRED)}")
    _check_ids(path, rows)
    return QueryTable(tuple(rows), path.parent, problems.dropped, problems.clipped)


def write_queries(table: QueryTable, path: Path) -> None:
    """Writes a table atomically: CSV, or JSON Lines (`.jsonl`). Relative media stay as they are.

    Raises:
        BadInputError: the suffix is another one.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".jsonl"):
        raise BadInputError(f"`{path}` is no table of queries", "name it .jsonl or .csv")
    used = [
        name
        for name in COLUMNS
        if name in _REQUIRED or any(getattr(row, name) != _DEFAULTS[name] for row in table)
    ]
    if suffix == ".jsonl":
        lines = (json.dumps(_record(row, used), ensure_ascii=False, allow_nan=False) + "\n" for row in table)
        write_text(path, "".join(lines))
    else:
        write_text(path, csv_text(used, ([_cell(getattr(row, name)) for name in used] for row in table)))


def _record(row: QueryRow, used: Sequence[str]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in used}
    return {
        name: value for name, value in values.items() if name in _REQUIRED or value != _DEFAULTS.get(name)
    }


def _cell(value: Any) -> Any:
    if value is None or value is False:
        return ""
    if value is True:
        return "true"
    return json.dumps(value) if isinstance(value, tuple) and value else "" if value == () else value


def _json_records(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for where, record in read_json_lines(path):
        _check_columns(path, record)
        yield where, record


def _csv_records(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    header, lines = read_table(path)
    names = [name.strip().lower() for name in header]
    _check_columns(path, dict.fromkeys(names))
    for line in lines:
        yield f"`{path}`, line {line.number}", dict(zip(names, _values(names, line), strict=False))


def _values(names: Sequence[str], line: Line) -> Iterator[Any]:
    for name, text in zip(names, line.cells, strict=False):
        yield _VALUES.get(name, csv_value)(text.strip())


def _check_columns(path: Path, record: Mapping[str, Any]) -> None:
    if missing := [name for name in _REQUIRED if name not in record and name not in ("start", "end")]:
        have = ", ".join(list(record)[:12])
        raise BadInputError(f"`{path}` has no column `{missing[0]}`", f"its columns: {have}")


def _parsed(text: str) -> Any:
    text = text.strip()
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


_PARSED = ("start", "end", "boxes", "absent", *_NUMBERS, *_BOXES)
_VALUES: Final[Mapping[str, Callable[[str], Any]]] = dict.fromkeys(_PARSED, _parsed)


def _row(
    record: Mapping[str, Any], where: str, number: int, problems: WindowProblems, *, empty: bool
) -> QueryRow | None:
    kind = record.get("kind")
    if kind not in KINDS:
        raise BadInputError(f"{where}: `kind` is {brief(kind)}", f"it is one of {', '.join(KINDS)}")
    texts = {name: _text(record, name, where) for name in ("media", "query")}
    absent = record.get("absent") in (True, 1)
    window = (0.0, 0.0) if absent else problems.window(record.get("start"), record.get("end"), where, empty)
    sizes = {name: _numbers(record.get(name), count, name, where) for name, count in _BOXES.items()}
    frame_size = cast(tuple[float, float] | None, sizes["frame_size"])
    boxes = checked_boxes(record.get("boxes"), frame_size, where, problems)
    if window is None or boxes is None:
        problems.dropped += 1
        return None
    return QueryRow(
        query_id=str(record.get("query_id") or number),
        kind=kind,
        start=window[0],
        end=window[1],
        boxes=boxes,
        absent=absent,
        frame_size=frame_size,
        query_box=cast(tuple[float, float, float, float] | None, sizes["query_box"]),
        **texts,  # type: ignore[arg-type]
        **{name: _number(record, name, where) for name in _NUMBERS},  # type: ignore[arg-type]
        **{name: str(record.get(name) or "") for name in ("split", "group", "query_name")},  # type: ignore[arg-type]
        **{name: str(value) for name in _SOURCE if (value := record.get(name)) is not None},  # type: ignore[arg-type]
    )


def _text(record: Mapping[str, Any], name: str, where: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadInputError(f"{where} has no `{name}`, but {brief(value)}", "correct the row")
    return value.strip()


def _number(record: Mapping[str, Any], name: str, where: str) -> float | None:
    value = record.get(name)
    if value is None:
        return cast(float | None, _DEFAULTS[name])
    found = as_number(value)
    if found is None or found < 0:
        raise BadInputError(f"{where}: `{name}` is {brief(value)}, no number from 0 on", "correct the row")
    return found


def _numbers(value: Any, count: int, name: str, where: str) -> tuple[float, ...] | None:
    if value is None:
        return None
    rows = [as_number(one) for one in value] if isinstance(value, list | tuple) else []
    found = tuple(one for one in rows if one is not None)
    if len(found) != count or len(rows) != count or min(found) < 0:
        message = f"{where}: `{name}` is {brief(value)}, no {count} numbers from 0 on"
        raise BadInputError(message, "correct the row")
    return found


def _check_ids(path: Path, rows: Sequence[QueryRow]) -> None:
    first: dict[str, QueryRow] = {}
    for row in rows:
        other = first.setdefault(row.query_id, row)
        if (other.media, other.kind, other.query) != (row.media, row.kind, row.query):
            message = (
                f"`{path}`: query `{row.query_id}` is `{other.query[:40]}` in `{other.media}` and "
                f"`{row.query[:40]}` in `{row.media}`"
            )
            raise BadInputError(message, "give each query an id of its own")
