"""Audio, spectrograms and frames around an event, made when they are requested and kept within a bound."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.jobs.review.events import Source
from avtool.media.audio_cut import encode_audio
from avtool.media.audio_decode import decode_audio_array
from avtool.media.preview import spectrogram_png
from avtool.media.video_frames import read_frames

SAMPLE_RATE = 16_000
LONGEST_S = 60.0
"""Of a span that is heard and seen at once, in seconds."""
FRAMES = 6
"""Frames of a strip."""
_MAX_FILES, _MAX_BYTES = 600, 256 * 2**20
_SPECTROGRAM = (1024, 192)
_FRAME_HEIGHT = 120
_AT_A_TIME = 2
"""Films that are decoded at once: each takes a processor."""


class MediaCache:
    """Renderings of spans of film, in a temporary folder, the least recently used removed first.

    Args:
        sources: the files; a request names one by its number, and never a path.
    """

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = sources
        self._folder = TemporaryDirectory(prefix="avtool-review-")
        self._files: OrderedDict[tuple[Any, ...], tuple[Path, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._decoding = threading.Semaphore(_AT_A_TIME)
        self._made = 0

    def close(self) -> None:
        """Removes all renderings."""
        self._folder.cleanup()

    @property
    def size(self) -> tuple[int, int]:
        """Files and bytes that are kept."""
        with self._lock:
            return len(self._files), sum(size for _, size in self._files.values())

    def audio(self, source: int, start: float, end: float) -> Path:
        """A span as a 16-bit WAV file of one channel; silence where the film has no audio.

        Raises:
            BadInputError: the span makes no sense, or the file cannot be read.
        """
        return self._get("audio", source, start, end, ".wav", self._audio)

    def spectrogram(self, source: int, start: float, end: float) -> Path:
        """The log-frequency spectrogram of a span, a PNG of 1024 columns.

        Raises:
            BadInputError: the span makes no sense, or the file cannot be read.
        """
        return self._get("spectrogram", source, start, end, ".png", self._spectrogram)

    def strip(self, source: int, start: float, end: float) -> Path:
        """`FRAMES` frames in the middles of equal parts of a span, side by side, as JPEG.

        Raises:
            BadInputError: the span makes no sense, or the file has no video.
        """
        return self._get("strip", source, start, end, ".jpg", self._strip)

    def _get(
        self,
        kind: str,
        number: int,
        start: float,
        end: float,
        suffix: str,
        make: Callable[[Source, float, float], bytes],
    ) -> Path:
        if not 0 <= number < len(self._sources):
            raise BadInputError("there is no such file", "reload the page")
        if not 0 <= start < end <= start + LONGEST_S:
            raise BadInputError(f"a span has at most {LONGEST_S:g} s", "reload the page")
        key = (kind, number, round(start, 3), round(end, 3))
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key][0]
        with self._decoding:
            content = make(self._sources[number], start, end)
        with self._lock:
            if key not in self._files:
                self._made += 1
                path = Path(self._folder.name) / f"{self._made}{suffix}"
                path.write_bytes(content)
                self._files[key] = (path, len(content))
                self._shrink()
            return self._files[key][0]

    def _shrink(self) -> None:
        total = sum(size for _, size in self._files.values())
        while len(self._files) > 1 and (len(self._files) > _MAX_FILES or total > _MAX_BYTES):
            path, size = self._files.popitem(last=False)[1]
            path.unlink(missing_ok=True)
            total -= size

    def _audio(self, source: Source, start: float, end: float) -> bytes:
        return encode_audio(samples_of(source, start, end), SAMPLE_RATE, "WAV", "PCM_16")

    def _spectrogram(self, source: Source, start: float, end: float) -> bytes:
        width, height = _SPECTROGRAM
        return spectrogram_png(samples_of(source, start, end), SAMPLE_RATE, width, height)

    def _strip(self, source: Source, start: float, end: float) -> bytes:
        times = start + (np.arange(FRAMES) + 0.5) * (end - start) / FRAMES + source.offset
        frames, _ = read_frames(source.path, np.maximum(times, 0.0).tolist(), size=_FRAME_HEIGHT, threads=1)
        buffer = BytesIO()
        Image.fromarray(np.concatenate(list(frames), axis=1)).save(buffer, "JPEG", quality=80)
        return buffer.getvalue()


def samples_of(source: Source, start: float, end: float) -> NDArray[np.int16]:
    """The audio of a span of film time, (round(seconds * SAMPLE_RATE),) int16; silence beyond the file."""
    wanted = np.zeros(round((end - start) * SAMPLE_RATE), np.int16)
    first, last = max(start, source.begin), min(end, source.end)
    begin = max(0.0, first + source.offset)
    if last > first:
        found = decode_audio_array(source.path, begin, last - first, SAMPLE_RATE)
        place = round((first - start) * SAMPLE_RATE)
        found = found[: len(wanted) - place]
        wanted[place : place + len(found)] = found
    return wanted
