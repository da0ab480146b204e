"""Folds of cross-validation as a setting: `1`, `1,2,5` or `1-4`."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator

_MOST = 1000


def parse_folds(value: Any) -> Any:
    """Numbers of folds out of what a user wrote; anything else is left to pydantic to refuse.

    Raises:
        ValueError: a range is no range, or there is no fold.
    """
    parts = value.split(",") if isinstance(value, str) else [value] if isinstance(value, int) else value
    if not isinstance(parts, list | tuple):
        return value
    folds = [fold for part in parts for fold in _range(part)]
    if not folds:
        raise ValueError("no folds are named: write 1,2,5 or 1-4")
    return tuple(dict.fromkeys(folds))


def _range(part: Any) -> list[Any]:
    if not isinstance(part, str):
        return [part]
    first, dash, last = part.strip().partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise ValueError(f"folds `{part}` are no numbers: write 1,2,5 or 1-4")
    low, high = int(first), int(last or first)
    if not low <= high <= _MOST:
        raise ValueError(f"folds `{part}` are no rising range up to {_MOST}")
    return list(range(low, high + 1))


Folds = Annotated[tuple[int, ...], BeforeValidator(parse_folds)]
"""Numbers of folds, each once."""


def format_folds(folds: Iterable[int]) -> str:
    """Folds as `parse_folds` reads them: `1-4`, or `1,3`."""
    numbers = sorted(set(folds))
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}-{numbers[-1]}"
    return ",".join(map(str, numbers))


def fold_flags(folds: Iterable[int | None]) -> str:
    """The flags of a training that validates on the last fold; empty with fewer than two folds."""
    numbers = sorted({fold for fold in folds if fold is not None})
    if len(numbers) < 2:
        return ""
    return f"--folds {format_folds(numbers[:-1])} --val-folds {numbers[-1]}"
