"""Frames in other sizes."""

import numpy as np

from avtool.data.decode_cache.frames import Frames

Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge, in pixels."""


def scaled(pictures: Frames, short_side: int) -> Frames:
    """Frames scaled to another length of the shorter side."""
    height, width = pictures.shape[1:3]
    scale = short_side / min(height, width)
    return cut_out(pictures, (0, 0, width, height), (round(height * scale), round(width * scale)))


def cut_out(pictures: Frames, box: Box, size: tuple[int, int]) -> Frames:
    """A part of pictures, to whole pixels, scaled to `size` (height, width); all pictures in one pass."""
    left, top, right, bottom = (round(edge) for edge in box)
    part = pictures[:, top : max(bottom, top + 1), left : max(right, left + 1)]
    if list(part.shape[1:3]) == list(size):
        return part
    from torch import from_numpy
    from torch.nn.functional import interpolate

    # Channels stay last in memory, where torch scales bytes as they are; it averages where pictures shrink.
    planes = from_numpy(np.array(part, order="C")).permute(0, 3, 1, 2)
    scaled_planes = interpolate(planes, size=size, mode="bilinear", antialias=True)
    return np.asarray(scaled_planes.permute(0, 2, 3, 1).numpy(), np.uint8)
