"""Still images (JPEG, PNG, WebP, BMP) as RGB arrays, upright, of a wanted size."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from avtool.core.errors import BadInputError
from avtool.media.suffixes import IMAGE_SUFFIXES

_TURNED = (5, 6, 7, 8)  # orientations of EXIF that swap height and width


def is_image(path: Path) -> bool:
    """Whether a file is a still image, by its suffix."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def read_image(path: Path, short_side: int | None = None, *, exact: bool = False) -> NDArray[np.uint8]:
    """Reads an image, upright by its EXIF orientation.

    Args:
        path: the file.
        short_side: pixels that the shorter side is scaled to, bicubically; None for the image's own size.
        exact: whether it is scaled from its full size, the longer side rounded down, as torchvision does it;
            else a JPEG is decoded no larger than is needed, which is faster and differs a little.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        BadInputError: it is missing, no image, damaged, or larger than Pillow holds safe (89 megapixels).
    """
    with _opened(path) as file:
        if short_side is not None and not exact:
            file.draft("RGB", (short_side, short_side))
        image = ImageOps.exif_transpose(file).convert("RGB")
    if short_side is not None:
        scale = short_side / min(image.size)
        whole = int if exact else round
        width, height = (max(short_side, whole(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, np.uint8)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width of an image, upright by its EXIF orientation, from its header.

    Raises:
        BadInputError: as for `read_image`.
    """
    with _opened(path) as file:
        width, height = file.size
        turned = file.getexif().get(ExifTags.Base.Orientation, 1) in _TURNED
    return (width, height) if turned else (height, width)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The image of a file, whose errors inside the block name it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                yield file
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        limit = f"{(Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} megapixels"
        raise BadInputError(f"`{path}` is larger than {limit}", "make it smaller") from error
    except FileNotFoundError as error:
        raise BadInputError(f"`{path}` does not exist", "put it back") from error
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise BadInputError(f"`{path}` cannot be read as an image ({reason})", "is it damaged?") from error
