"""Frames of a film at given times, or at a steady rate, as RGB arrays.

The frame "at" a film time is the one on screen then: the last whose timestamp is not later, whatever the
frame rate does in between. Before the first frame that is the first, after the last (also the last that a
damaged file still gives) the last; the times returned with the frames are theirs. Frames are rotated
upright. Only frames that are kept are converted.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from math import inf
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from avtool.core.files import writing
from avtool.core.reporter import Reporter
from avtool.media.frame_walker import ROUNDING_S, FrameWalker, open_frames

Frame = NDArray[np.uint8]  # (height, width, 3), RGB
Size = tuple[int, int] | int | None
_QUALITY = 90
"""Of JPEG files, 1 to 95."""


def read_frames(
    path: Path,
    times: Sequence[float],
    *,
    size: Size = None,
    threads: int = 0,
    reporter: Reporter | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Reads the frames on screen at some film times.

    Times within 2 s of each other are reached by one seek. The order of `times` is free and is kept.

    Args:
        path: the film.
        times: film times in seconds.
        size: (height, width) to scale to; or the length of the shorter side, keeping the shape; or None.
        threads: FFmpeg's decoding threads; 0 lets it choose, workers take 1.
        reporter: gets warnings of damaged frames.

    Returns:
        Frames, (len(times), height, width, 3) uint8 RGB, and the film time of each in seconds,
        (len(times),) float64.

    Raises:
        BadInputError: no video stream, or no frame can be decoded.
    """
    order = sorted(range(len(times)), key=lambda i: times[i])
    frames: list[Frame] = [np.zeros((0, 0, 3), np.uint8)] * len(times)
    shown_at = np.zeros(len(times), np.float64)
    with open_frames(path, threads, reporter) as walker:
        develop = _Developer(size)
        for i in order:
            walker.go(times[i])
            shown_at[i] = walker.time
            frames[i] = develop(walker.frame)
    return (np.stack(frames) if frames else np.zeros((0, 0, 0, 3), np.uint8)), shown_at


def iter_frames(
    path: Path,
    *,
    fps: float | None = None,
    start: float = 0.0,
    end: float = inf,
    size: Size = None,
    threads: int = 0,
    reporter: Reporter | None = None,
) -> Iterator[tuple[float, Frame]]:
    """Streams the frames of a span of film time; memory does not grow with its length.

    Args:
        path: the film.
        fps: frames per second: those on screen at start + k / fps, repeated where the film has fewer. By
            default every frame of the film, once.
        start: film time of the first.
        end: film time before which the last is shown.
        size: as for `read_frames`.
        threads: as for `read_frames`.
        reporter: as for `read_frames`.

    Yields:
        (film time in seconds, frame): k / fps after `start` when `fps` is given, else the frame's own.
    """
    with open_frames(path, threads, reporter) as walker:
        develop = _Developer(size)
        walker.go(start)
        if fps is None:
            yield from _every_frame(walker, develop, start, end)
            return
        for step in count():
            time = start + step / fps
            walker.go(time)
            if time >= min(end, walker.until):
                return
            yield time, develop(walker.frame)


def _every_frame(
    walker: FrameWalker, develop: "_Developer", start: float, end: float
) -> Iterator[tuple[float, Frame]]:
    while walker.time < end:
        if walker.time >= start - ROUNDING_S:
            yield walker.time, develop(walker.frame)
        if not walker.step():
            return


def save_frames(path: Path, folder: Path, start: float, end: float, fps: float) -> list[Path]:
    """Saves the frames of a span of film time as JPEG files, numbered from `000.jpg` on.

    Args:
        path: the film.
        folder: where they go; made when it is missing.
        start: film time of the first frame in seconds.
        end: film time before which the last is shown.
        fps: frames per second.

    Returns:
        The files, in time order; none where the film has no frame in the span.
    """
    files = []
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    frames = iter_frames(path, fps=fps, start=start, end=end, threads=1)
    for number, (_, pixels) in enumerate(frames):
        file = folder / f"{number:03d}.jpg"
        with writing(file):
            Image.fromarray(pixels).save(file, quality=_QUALITY)
        files.append(file)
    return files


class _Developer:
    """Turns decoded frames into RGB arrays of one size, upright."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._reformatter = VideoReformatter()
        self._last: tuple[VideoFrame, Frame] | None = None

    def __call__(self, frame: VideoFrame | None) -> Frame:
        assert frame is not None, "the walker has not gone anywhere yet"
        if self._last is None or self._last[0] is not frame:
            self._last = frame, self._develop(frame)
        return self._last[1].copy()

    def _develop(self, frame: VideoFrame) -> Frame:
        quarter_turns = round(frame.rotation / 90) % 4
        stored = frame.height, frame.width
        height, width = self._scaled(stored[::-1] if quarter_turns % 2 else stored)
        if quarter_turns % 2:
            height, width = width, height
        shrinks = height * width < frame.height * frame.width
        rgb = self._reformatter.reformat(
            frame, width, height, "rgb24", interpolation="AREA" if shrinks else "BICUBIC"
        )
        pixels = np.asarray(rgb.to_ndarray(), np.uint8)
        return np.ascontiguousarray(np.rot90(pixels, quarter_turns))

    def _scaled(self, shown: tuple[int, int]) -> tuple[int, int]:
        """The (height, width) to scale a frame of this (height, width) to."""
        if self._size is None:
            return shown
        if isinstance(self._size, tuple):
            return self._size
        scale = self._size / min(shown)
        return round(shown[0] * scale), round(shown[1] * scale)
