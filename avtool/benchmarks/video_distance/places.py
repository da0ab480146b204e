"""Places of clips in a video: at random, or evenly spaced."""

from collections.abc import Iterator
from enum import StrEnum

import numpy as np


class Places(StrEnum):
    """How the clips of a video are spread over it."""

    RANDOM = "random"
    EVEN = "even"


def draw_places(count: int, frames: int, places: int, rng: np.random.Generator) -> list[int]:
    """First frames of clips that do not overlap, in random order; all sets of places are equally likely.

    Args:
        count: frames of the video, at least `frames`.
        frames: of a clip.
        places: wanted; fewer where no more have room.
        rng: draws them.
    """
    places = min(places, count // frames)
    if places == 1:
        return [int(rng.integers(count - frames + 1))]
    starts = np.sort(rng.choice(count - places * (frames - 1), places, replace=False))
    starts += np.arange(places) * (frames - 1)
    return [int(start) for start in rng.permutation(starts)]


def even_places(
    count: int, frames: int, places: int, offset: float, *, per_block: int = 1, half: int | None = None
) -> list[int]:
    """First frames of clips that are evenly spaced, in order: systematic sampling.

    The video is cut into blocks of equal length with `per_block` clips in each, at the same places of all.
    Where it has two halves, its blocks are in one and the other in turn: no frame is in both.

    Args:
        count: frames of the video, at least `frames`.
        frames: of a clip.
        places: wanted; fewer where no more blocks have room for a clip.
        offset: in [0, 1), where clips begin in their part of a block.
        per_block: clips of a block; they overlap where there is no room for them side by side.
        half: 0 or 1 for every second block; None for all.
    """
    halves = 1 if half is None else 2
    blocks = min(-(-places // per_block), count // (frames * halves)) * halves
    return list(_places_of_blocks(count, frames, blocks, offset, per_block, half))[:places]


def _places_of_blocks(
    count: int, frames: int, blocks: int, offset: float, per_block: int, half: int | None
) -> Iterator[int]:
    for block in range(half or 0, blocks, 1 if half is None else 2):
        begin, end = (round(count * edge / blocks) for edge in (block, block + 1))
        room = end - begin - frames + 1
        parts = (int((part + offset) / per_block * room) for part in range(per_block))
        yield from (begin + min(part, room - 1) for part in parts)  # an offset just below 1 rounds up
