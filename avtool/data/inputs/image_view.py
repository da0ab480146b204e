"""One picture of a clip as a tensor: a photograph, or a moment of a film."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avtool.data.decode_cache.cache import PartCache
from avtool.data.decode_cache.frames import FrameSpans
from avtool.data.decode_cache.scaling import Box, cut_out
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.decode_cache.source import ClipSource
from avtool.data.inputs.video_transforms import video_tensor
from avtool.data.manifest import Clip, Manifest
from avtool.media.still_images import is_image, read_image

_EVALUATION_SHARE = 224 / 256  # of the shorter side that evaluation keeps
_MAX_RATIO = 4 / 3
_TRIES = 10
_FPS = 2.0  # of films: neighbouring pictures are nearly the same
_LARGEST = 1024


class ImageView:
    """A picture, (3, size, size) float32 in [-1, 1], or (size, size, 3) bytes for `as_seen`.

    Args:
        size: side of the square, in pixels.
        area: training cuts out a share of the picture's area in between; MAE takes 0.2 to 1.
        flip: probability with which training turns left and right round.
        source: where pictures are read from, where those are not the clips' own files.
        cache_mib: memory for pictures that were read, of all loader processes together, in MiB.
        as_bytes: give bytes.
    """

    def __init__(
        self,
        size: int,
        area: tuple[float, float] = (0.2, 1.0),
        flip: float = 0.5,
        *,
        source: ClipSource | None = None,
        cache_mib: float = 1024,
        as_bytes: bool = False,
    ) -> None:
        assert 0 < area[0] <= area[1] <= 1, area
        room = round(size / math.sqrt(area[0]))  # the smallest part is still of the full size
        self._room = min(room, _LARGEST)
        self._cache = PartCache(cache_mib)
        self._films = FrameSpans(SpanSettings(fps=_FPS, short_side=self._room), self._cache)
        self._source = source
        self.size = size
        self.area = area
        self.flip = flip
        self.as_bytes = as_bytes

    def __call__(
        self, manifest: Manifest, clip: Clip, place: float, rng: np.random.Generator | None
    ) -> Tensor:
        """Reads the picture, of a film the one at `place`; with a generator it is changed as in training."""
        picture = self._read(manifest, clip, place)
        height, width = picture.shape[1:3]
        flip = False
        if rng is None:
            box = centre_box(height, width, _EVALUATION_SHARE)
        else:
            box = random_box(height, width, self.area, rng)
            flip = bool(rng.random() < self.flip)
        part = cut_out(picture, box, (self.size, self.size))
        turned = part[:, :, ::-1] if flip else part
        return torch.from_numpy(turned[0].copy()) if self.as_bytes else video_tensor(turned)[:, 0]

    def _read(self, manifest: Manifest, clip: Clip, place: float) -> NDArray[np.uint8]:
        """(1, H, W, 3), no larger than is needed."""
        if self._source is not None:
            _, count = self._source.frame_span(clip)
            return self._source.frames(manifest, clip, np.array([int(place * max(0, count - 1))]))
        media = clip.video
        path = manifest.local(media)
        if is_image(path):
            key = path, self._room
            (picture,) = self._cache.parts(key, 0, 1, lambda *_: [read_image(path, self._room)[None].copy()])
            return picture
        time = media.start + place * (media.end - media.start)
        return self._films.at(path, np.array([int(time * _FPS)]))


def centre_box(height: int, width: int, share: float = 1.0) -> Box:
    """The square in the middle whose side is a share of the shorter one."""
    side = share * min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def random_box(height: int, width: int, area: tuple[float, float], rng: np.random.Generator) -> Box:
    """A rectangle of a random area and shape (3:4 to 4:3) inside of a picture (Szegedy et al., 2015).

    Args:
        height: of the picture.
        width: of the picture.
        area: bounds of the rectangle's share of the picture's area.
        rng: draws it; the same number of times whatever comes out.
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
