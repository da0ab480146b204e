"""Boxes and masks drawn on an image, a colour a class."""

import colorsys
import hashlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from avtool.models.zoo.dense_prediction import Found

_OPACITY = 0.45
_FEWEST_PIXELS = 0.002  # of an image that a named segment has


def colour_of(label: str) -> tuple[int, int, int]:
    """The colour of a class: the same in every image."""
    hue = int.from_bytes(hashlib.sha256(label.encode()).digest()[:2], "big") / 65536
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw(image: NDArray[np.uint8], found: "Found") -> NDArray[np.uint8]:
    """A copy of an image (height, width, 3) with tinted masks, outlined boxes, and their names."""
    tinted = image.astype(np.float32)
    for one in found.segments:
        tinted[one.mask] = (1 - _OPACITY) * tinted[one.mask] + _OPACITY * np.array(colour_of(one.label))
    page = Image.fromarray(tinted.round().astype(np.uint8))
    pen, size = ImageDraw.Draw(page), max(10, min(image.shape[:2]) // 30)
    font = ImageFont.load_default(size)
    for one in found.segments:
        if one.mask.mean() >= _FEWEST_PIXELS:
            rows, columns = np.nonzero(one.mask)
            _name(pen, (int(np.median(columns)), int(np.median(rows))), one.label, one.score, font)
    for box in sorted(found.boxes, key=lambda box: box.score):
        corners = _inside((box.left, box.top, box.right, box.bottom), page.size)
        pen.rectangle(corners, outline=colour_of(box.label), width=max(2, size // 6))
        _name(pen, (int(corners[0]), int(corners[1])), box.label, box.score, font)
    return np.asarray(page)


def _inside(corners: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, ...]:
    """The corners within the image, in order."""
    left, top, right, bottom = corners
    across = sorted(min(max(side, 0), size[0] - 1) for side in (left, right))
    down = sorted(min(max(side, 0), size[1] - 1) for side in (top, bottom))
    return across[0], down[0], across[1], down[1]


def _name(
    pen: ImageDraw.ImageDraw,
    place: tuple[int, int],
    label: str,
    score: float | None,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    text = label if score is None else f"{label} {100 * score:.0f} %"
    pen.rectangle(pen.textbbox(place, text, font=font), fill=colour_of(label))
    pen.text(place, text, fill="white", font=font)
