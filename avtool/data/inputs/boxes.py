"""Crops of images and frames: the square in the middle, and random rectangles."""

import math

import numpy as np

from avtool.data.decode_cache.frames import Box

_MAX_RATIO = 4 / 3
_TRIES = 10


def centre_box(height: int, width: int, share: float = 1.0) -> Box:
    """The square in the middle whose side is a share of the shorter one."""
    side = share * min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def random_box(height: int, width: int, area: tuple[float, float], rng: np.random.Generator) -> Box:
    """A rectangle of a random area and shape (3:4 to 4:3) inside an image (Szegedy et al., 2015).

    Args:
        height: of the image.
        width: of the image.
        area: bounds of the rectangle's share of the image's area.
        rng: draws it, always the same number of values.
    """
    shares = rng.uniform(*area, _TRIES)
    ratios = np.exp(rng.uniform(-math.log(_MAX_RATIO), math.log(_MAX_RATIO), _TRIES))
    across, down = rng.random(2)
    widths = np.sqrt(shares * height * width * ratios)
    heights = np.sqrt(shares * height * width / ratios)
    fitting = np.flatnonzero((widths <= width) & (heights <= height))
    if len(fitting):
        box_width, box_height = float(widths[fitting[0]]), float(heights[fitting[0]])
    else:
        box_width = box_height = float(min(height, width))
    left, top = float(across) * (width - box_width), float(down) * (height - box_height)
    return left, top, left + box_width, top + box_height
