"""Queries about parts of a video, and checked reading of the JSON files that hold them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from avtool.core.errors import BadInputError

Window = tuple[float, float]
"""Start and end, in seconds."""
_LARGEST = 1 << 30  # bytes: the largest published file, Ego4D's of visual queries, has half of it
_HUGE = 1e100
_T = TypeVar("_T")
_KINDS = {str: "text", list: "list", dict: "object", int: "whole number"}


@dataclass(frozen=True, slots=True)
class VideoQuery:
    """A query with its true windows.

    Attributes:
        key: unique in its file.
        video: its id.
        text: the query.
        windows: (start, end) in seconds, as annotated: some have no length.
        duration: of the video, in seconds; None where it is not known.
    """

    key: str
    video: str
    text: str
    windows: tuple[Window, ...]
    duration: float | None = None


def read_json_file(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        BadInputError: it is absent, larger than 1 GiB, or no JSON.
    """
    return _parsed(_text(path), f"`{path}`")


def read_json_lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a JSONL file, each with its place in it; empty lines are skipped.

    Raises:
        BadInputError: it is absent, larger than 1 GiB, or a line is no JSON object.
    """
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            where = f"`{path}`, line {number}"
            record = _parsed(line, where)
            if not isinstance(record, dict):
                raise BadInputError(f"{where} is no JSON object", "give one object a line (JSONL)")
            yield where, record


def read_text_lines(path: Path) -> list[str]:
    """The lines of a text file; limits and errors as of the JSON readers."""
    return _text(path).split("\n")


def field(record: Any, name: str, kind: type[_T], where: str) -> _T:
    """A field of a record.

    Raises:
        BadInputError: the record is no object, or the field is absent or of another kind.
    """
    value = record.get(name) if isinstance(record, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        message = f"{where} has no {_KINDS[kind]} `{name}`, but {brief(value)}"
        raise BadInputError(message, "correct the record, or give the published file")
    return value


def number(value: Any, what: str) -> float:
    """A finite number.

    Raises:
        BadInputError: it is none.
    """
    found = as_number(value)
    if found is None:
        raise BadInputError(f"{what} is {brief(value)}, no finite number", "correct the record")
    return found


def as_number(value: Any) -> float | None:
    """A finite number whose square is one too, or None."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if abs(found) < _HUGE else None


def true_window(value: Any, where: str) -> Window:
    """A start and an end in seconds; published annotations have some of no length, or reversed.

    A reversed window becomes one of no length, which no prediction finds either.

    Raises:
        BadInputError: they are no two finite numbers.
    """
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise BadInputError(f"{where} has no start and end, but {brief(value)}", "correct the record")
    start, end = (number(one, f"{where}: a time") for one in value)
    return start, max(start, end)


def brief(value: Any) -> str:
    """A value for a message, at most 60 characters."""
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)[:60]


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInputError(f"`{path}` has more than 1 GiB", "give the annotation file")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise BadInputError(f"`{path}` cannot be read: {reason}", "check the path") from error


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{where} is no JSON: {error}", "it may be cut off: fetch it again") from error
