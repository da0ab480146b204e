"""Image sizes that a row's network takes: the smallest step, and the nearest valid sizes."""

from functools import cache

from avtool.core.errors import AvtoolError
from avtool.models.zoo.example import macs_of_network
from avtool.models.zoo.networks import build_on_meta
from avtool.models.zoo.row import Row

_STEPS = (1, 2, 4, 7, 8, 14, 16, 28, 32, 56, 64, 112, 128, 224)
"""Sides of patches, windows and strides, and their products."""
_NEAREST = 2
_LARGEST = 4096


def size_hint(row: Row, size: tuple[int, int]) -> str:
    """What sizes a row takes, for messages: the accepted multiple, and the nearest valid squares."""
    step = step_of(row)
    if step is None or row.size is None:
        return f"its own is {row.image_size or 'not given'}"
    wanted, own = max(size), row.size[0]
    near = sorted(
        (side for side in range(own % step or step, min(2 * wanted, _LARGEST) + own, step) if side > 0),
        key=lambda side: abs(side - wanted),
    )
    found: list[str] = []
    for side in near[: 4 * _NEAREST]:
        if len(found) < _NEAREST and takes(row, side):
            found.append(str(side))
    base = f"{own} plus or minus multiples of {step}" if own % step else f"multiples of {step}"
    return f"it takes {base}" + (f": {' or '.join(found)} is near" if found else f"; its own is {own}")


@cache
def step_of(row: Row) -> int | None:
    """The smallest step from the row's own size to another that its network takes; None where it has none."""
    if row.size is None:
        return None
    return next((step for step in _STEPS if takes(row, row.size[0] + step)), None)


def takes(row: Row, side: int) -> bool:
    """Whether the row's network takes squares of a side, tried without memory."""
    try:
        network = build_on_meta(row, image_size=(side, side))
        macs_of_network(network, row, (side, side))
    except (
        AvtoolError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        AssertionError,
        IndexError,
        TypeError,
    ):
        return False
    return True
