"""Sizes of the images of a dataset, from their headers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avtool.core.reporter import Reporter
from avtool.data.manifest import Manifest
from avtool.media.still_images import image_size


@dataclass(frozen=True)
class ImageSizes:
    """Heights and widths of images, in pixels.

    Attributes:
        images: how many.
        height, width: the smallest, the median and the largest.
        most: the most frequent sizes as (height, width, images), at most ten.
    """

    images: int
    height: tuple[int, float, int]
    width: tuple[int, float, int]
    most: Sequence[tuple[int, int, int]]


def image_sizes(manifest: Manifest, reporter: Reporter) -> ImageSizes:
    """The sizes of a dataset's images, upright; no pixel is decoded.

    Args:
        manifest: clips that are images, at least one.
        reporter: gets progress.

    Raises:
        BadInputError: an image is missing or damaged.
    """
    counts: Counter[tuple[int, int]] = Counter()
    with reporter.progress("reading sizes", len(manifest)) as bar:
        for clip in manifest:
            counts[image_size(manifest.local(clip.audio))] += 1
            bar.advance()
    sizes = np.repeat(np.array(list(counts)), list(counts.values()), axis=0)
    height, width = (
        (int(one.min()), float(np.median(one)), int(one.max())) for one in (sizes[:, 0], sizes[:, 1])
    )
    most = [(*size, count) for size, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return ImageSizes(len(manifest), height, width, most[:10])
