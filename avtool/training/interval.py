"""How often: `500 steps`, `1 epoch`, `0.5 epochs`, `never`."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_FORM = re.compile(r"(\d+(?:\.\d+)?) ?(step|epoch)s?")


def _check(text: str) -> str:
    if text == "never":
        return text
    found = _FORM.fullmatch(text)
    if not found or float(found[1]) == 0 or (found[2] == "step" and "." in found[1]):
        raise ValueError(f"`{text}` is no interval: write `500 steps`, `1 epoch` or `never`")
    return text


Interval = Annotated[str, BeforeValidator(lambda value: str(value).strip()), AfterValidator(_check)]
"""A checked text such as `500 steps`, `0.5 epochs` or `never`."""


def in_steps(interval: str, steps_per_epoch: int) -> int:
    """An interval in optimiser steps, at least 1; 0 for never."""
    found = _FORM.fullmatch(interval)
    if found is None:
        return 0
    size = float(found[1]) * (steps_per_epoch if found[2] == "epoch" else 1)
    return max(1, round(size))
