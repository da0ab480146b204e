"""Frames of films at a steady rate, frame k at k / fps seconds of film time; their scaling and crops."""

import math
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.data.decode_cache.cache import PartCache, joined
from avtool.data.decode_cache.settings import SpanSettings
from avtool.media.probe import probe
from avtool.media.video_frames import iter_frames

Frames = NDArray[np.uint8]
"""(n, height, width, 3) RGB."""
Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge, in pixels."""


class FrameSpans:
    """Reads frames of films in parts, and keeps the parts.

    Args:
        settings: rate, size, and how long a part is.
        cache: where parts are kept.
    """

    def __init__(self, settings: SpanSettings, cache: PartCache) -> None:
        self.fps = settings.fps
        self.short_side = settings.short_side
        self.part_size = max(1, round(settings.part_seconds * settings.fps))
        self.cache = cache

    def read(self, path: Path, first: int, past: int) -> Frames:
        """The frames `first` … `past` - 1, (frames, H, W, 3), fewer where the film ends before.

        Raises:
            BadInputError: the film has no frames, or they cannot be decoded.
        """
        assert 0 <= first < past, (first, past)
        height, width = _small_size(path, self.short_side)
        begin = first // self.part_size
        parts = self.cache.parts(
            (path, self.fps, self.short_side),
            begin,
            -(-past // self.part_size),
            lambda low, high: self._decode(path, low, high, (height, width)),
        )
        frames = joined(parts, np.zeros((0, height, width, 3), np.uint8))
        skipped = begin * self.part_size
        return frames[first - skipped : past - skipped]

    def at(self, path: Path, numbers: NDArray[np.int64]) -> Frames:
        """The frames (N, H, W, 3) of N numbers, in their order; after the film's end its last.

        Raises:
            BadInputError: the film has no frame at or before the last number.
        """
        first = int(numbers.min())
        span = self.read(path, first, int(numbers.max()) + 1)
        while not len(span) and first > 0:  # all of them lie after the end: the last frame is before it
            first = max(0, first - self.part_size)
            span = self.read(path, first, int(numbers.max()) + 1)
        if not len(span):
            raise BadInputError(f"`{path}` has no frames", "leave it out, or download it again")
        return np.asarray(span[np.minimum(numbers - first, len(span) - 1)], np.uint8)

    def _decode(self, path: Path, first: int, past: int, size: tuple[int, int]) -> list[Frames]:
        """Decodes parts in one pass; a part is short, or empty, where the film ends."""
        span = [
            frame
            for _, frame in iter_frames(
                path,
                fps=self.fps,
                start=first * self.part_size / self.fps,
                end=(past * self.part_size - 0.5) / self.fps,  # half a step: times are floats
                size=size,
                threads=1,
            )
        ]
        frames = np.stack(span) if span else np.zeros((0, *size, 3), np.uint8)
        starts = range(0, (past - first) * self.part_size, self.part_size)
        # Copies: a view would keep the whole span alive when its other parts have left the cache.
        return [frames[start : start + self.part_size].copy() for start in starts]


@lru_cache(maxsize=100_000)
def _small_size(path: Path, short_side: int) -> tuple[int, int]:
    """The (height, width) that all frames of a film are scaled to, whatever it switches to on its way."""
    stream = next((stream for stream in probe(path).video if not stream.cover), None)
    if stream is None or not stream.width or not stream.height:
        raise BadInputError(f"`{path}` has no frames", "leave it out, or choose another modality")
    scale = short_side / min(stream.height, stream.width)
    return round(stream.height * scale), round(stream.width * scale)


def span_numbers(start: float, end: float, fps: float) -> tuple[int, int]:
    """The numbers (first, past the last) of the frames whose times lie in [start, end) seconds."""
    tiny = 1e-6
    return math.ceil(start * fps - tiny), math.ceil(end * fps - tiny)


def scaled(frames: Frames, short_side: int) -> Frames:
    """(N, H, W, 3) frames scaled to another length of the shorter side, in pixels."""
    height, width = frames.shape[1:3]
    scale = short_side / min(height, width)
    return cut_out(frames, (0, 0, width, height), (round(height * scale), round(width * scale)))


def cut_out(
    frames: Frames, box: Box, size: tuple[int, int], mode: Literal["bilinear", "bicubic"] = "bilinear"
) -> Frames:
    """A part of frames, to whole pixels, scaled to `size` (height, width); all frames in one pass."""
    left, top, right, bottom = (round(edge) for edge in box)
    part = frames[:, top : max(bottom, top + 1), left : max(right, left + 1)]
    if list(part.shape[1:3]) == list(size):
        return part
    from torch import from_numpy
    from torch.nn.functional import interpolate

    # Channels stay last in memory, where torch scales bytes as they are; it averages where frames shrink.
    planes = from_numpy(np.array(part, order="C")).permute(0, 3, 1, 2)
    scaled_planes = interpolate(planes, size=size, mode=mode, antialias=True)
    return np.asarray(scaled_planes.permute(0, 2, 3, 1).numpy(), np.uint8)
