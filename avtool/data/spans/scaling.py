"""Pictures in other sizes."""

import numpy as np
from PIL import Image

from avtool.data.spans.pictures import Pictures

Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge, in pixels."""


def scaled(pictures: Pictures, short_side: int) -> Pictures:
    """Pictures scaled to another length of the shorter side."""
    height, width = pictures.shape[1:3]
    scale = short_side / min(height, width)
    return cut_out(pictures, (0, 0, width, height), (round(height * scale), round(width * scale)))


def cut_out(pictures: Pictures, box: Box, size: tuple[int, int]) -> Pictures:
    """A part of pictures, scaled to `size` (height, width)."""
    height, width = size
    if list(pictures.shape[1:3]) == [height, width] and list(box) == [0, 0, width, height]:
        return pictures
    images = (Image.fromarray(picture) for picture in pictures)
    bilinear = Image.Resampling.BILINEAR  # in Pillow it averages where pictures shrink
    return np.stack([np.asarray(image.resize((width, height), bilinear, box=box)) for image in images])
