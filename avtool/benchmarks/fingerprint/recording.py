"""A clip in memory, as it is distorted and cut into windows: mono audio, and frames at a steady rate."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.media.probe import probe
from avtool.media.video_frames import iter_frames
from avtool.media.waveforms import Waveform, read_waveform

Frames = NDArray[np.uint8]
_SILENCE = 10 ** (-60 / 20)
"""Root mean square below which audio identifies nothing: digital silence, or a muted track."""


@dataclass(frozen=True)
class Recording:
    """A clip.

    Attributes:
        name: of its file, and where in it the clip begins.
        audio: (samples,) float32 in [-1, 1]; None without, or where it is silent.
        sample_rate: in Hz.
        frames: (frames, height, width, 3) RGB; None without.
        fps: frames a second.
    """

    name: str
    audio: Waveform | None
    sample_rate: int
    frames: Frames | None
    fps: float

    @property
    def seconds(self) -> float:
        """The length of what is there: of the shorter, where there are both."""
        lengths = []
        if self.audio is not None:
            lengths.append(len(self.audio) / self.sample_rate)
        if self.frames is not None:
            lengths.append(len(self.frames) / self.fps)
        return min(lengths, default=0.0)

    def span(self, start: float, end: float) -> "Recording":
        """The part between two times, in seconds."""
        audio, frames = self.audio, self.frames
        if audio is not None:
            audio = audio[round(start * self.sample_rate) : round(end * self.sample_rate)]
        if frames is not None:
            frames = frames[round(start * self.fps) : max(round(end * self.fps), round(start * self.fps) + 1)]
        return replace(self, audio=audio, frames=frames)

    def scaled(self, places: NDArray[np.int64], short_side: int) -> Frames:
        """Some of the frames, their shorter side scaled to so many pixels."""
        assert self.frames is not None, "there are no frames"
        height, width = self.frames.shape[1:3]
        scale = short_side / min(height, width)
        size = max(short_side, round(width * scale)), max(short_side, round(height * scale))
        way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
        return np.stack(
            [np.asarray(Image.fromarray(self.frames[place]).resize(size, way)) for place in places.tolist()]
        )


@dataclass(frozen=True)
class ReadingSettings:
    """How files become recordings.

    Attributes:
        clip_seconds: length of the clips that a file is cut into.
        shortest: in seconds; shorter clips are skipped.
        sample_rate: of the audio in Hz.
        fps: frames a second.
        short_side: of the frames, in pixels.
    """

    clip_seconds: float = 8.0
    shortest: float = 2.0
    sample_rate: int = 16000
    fps: float = 8.0
    short_side: int = 128


def iter_recordings(path: Path, settings: ReadingSettings, reporter: Reporter) -> Iterator[Recording]:
    """The clips of a file, one in memory at a time; what cannot be read is skipped with a warning."""
    try:
        info = probe(path)
        total = info.duration_s or 0.0
        count = max(1, int(total / settings.clip_seconds))
        for number in range(count):
            start = number * settings.clip_seconds
            found = _read(path, start, min(total, start + settings.clip_seconds), settings)
            if found.seconds >= settings.shortest:
                yield found
    except BadInputError as error:
        reporter.warn(f"`{path.name}` is skipped: {error.message}")


def _read(path: Path, start: float, end: float, settings: ReadingSettings) -> Recording:
    info = probe(path)
    audio: Waveform | None = None
    frames: Frames | None = None
    if info.audio:
        audio = read_waveform(path, start, end, sample_rate=settings.sample_rate)
        if audio.size < settings.shortest * settings.sample_rate or _level(audio) < _SILENCE:
            audio = None
    if any(not stream.cover for stream in info.video):
        timed = iter_frames(path, fps=settings.fps, start=start, end=end, size=settings.short_side, threads=1)
        found = [frame for _, frame in timed]
        frames = np.stack(found) if len(found) >= settings.shortest * settings.fps else None
    return Recording(f"{path.name}@{start:g}", audio, settings.sample_rate, frames, settings.fps)


def _level(audio: Waveform) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))
