"""Folds of cross-validation as a setting: `1`, `1,2,5` or `1-4`."""

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
