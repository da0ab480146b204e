"""Sources of frames and audio of clips: films and recordings, or shards of many clips."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avtool.data.decode_cache.audio import AudioSpans, Waveform
from avtool.data.decode_cache.cache import PartCache
from avtool.data.decode_cache.frames import Frames, FrameSpans, span_numbers
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.manifest import Clip, Manifest


class ClipSource(Protocol):
    """Frames and audio of clips; what is decoded for one crop serves the next.

    Attributes:
        fps: frames per second.
        sample_rate: of the audio, in Hz.
    """

    fps: float
    sample_rate: int

    def frame_span(self, clip: Clip) -> tuple[float, int]:
        """The time of a clip's first frame, in seconds from its start, and how many it should have."""

    def frames(self, manifest: Manifest, clip: Clip, numbers: NDArray[np.int64]) -> Frames:
        """Some of a clip's frames, counted from its first; after the film's end its last."""

    def audio(self, manifest: Manifest, clip: Clip, first: int, past: int) -> Waveform:
        """A clip's samples `first` … `past` - 1, counted from its start; silence after the file's end."""


class FilmSource:
    """Clips cut out of films and recordings where they are.

    Frames stand on one grid for a whole film, so that clips that overlap share what is decoded.

    Args:
        settings: rate, size, and the memory that there is.
        sample_rate: of the audio, in Hz.
    """

    def __init__(self, settings: SpanSettings, sample_rate: int = 16000) -> None:
        self.fps = settings.fps
        self.sample_rate = sample_rate
        self.cache = PartCache(settings.cache_mib)
        self._frames = FrameSpans(settings, self.cache)
        self._audio = AudioSpans(settings, self.cache, sample_rate)

    def frame_span(self, clip: Clip) -> tuple[float, int]:
        media = clip.video
        first, past = span_numbers(media.start, media.end, self.fps)
        return first / self.fps - media.start, past - first

    def frames(self, manifest: Manifest, clip: Clip, numbers: NDArray[np.int64]) -> Frames:
        media = clip.video
        first, _ = span_numbers(media.start, media.end, self.fps)
        return self._frames.at(manifest.local(media), first + numbers)

    def audio(self, manifest: Manifest, clip: Clip, first: int, past: int) -> Waveform:
        begin = round(clip.start * self.sample_rate)
        return self._audio.read(manifest.local(clip.audio), begin + first, begin + past)
