"""A clip in memory, as it is distorted and cut into windows: mono sound, and pictures at a steady rate."""

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

Pictures = NDArray[np.uint8]
_SILENCE = 10 ** (-60 / 20)
"""Root mean square below which a clip's sound names nothing: digital silence, or a muted track."""


@dataclass(frozen=True)
class Recording:
    """A clip.

    Attributes:
        name: of its file, and where in it the clip begins.
        sound: (samples,) float32 in [-1, 1]; None without, or where it is silent.
        sample_rate: in Hz.
        pictures: (frames, height, width, 3) RGB; None without.
        fps: frames a second.
    """

    name: str
    sound: Waveform | None
    sample_rate: int
    pictures: Pictures | None
    fps: float

    @property
    def seconds(self) -> float:
        """The length of what is there: of the shorter, where there are both."""
        lengths = []
        if self.sound is not None:
            lengths.append(len(self.sound) / self.sample_rate)
        if self.pictures is not None:
            lengths.append(len(self.pictures) / self.fps)
        return min(lengths, default=0.0)

    def span(self, start: float, end: float) -> "Recording":
        """The part between two times, in seconds."""
        sound, pictures = self.sound, self.pictures
        if sound is not None:
            sound = sound[round(start * self.sample_rate) : round(end * self.sample_rate)]
        if pictures is not None:
            pictures = pictures[
                round(start * self.fps) : max(round(end * self.fps), round(start * self.fps) + 1)
            ]
        return replace(self, sound=sound, pictures=pictures)

    def scaled(self, places: NDArray[np.int64], short_side: int) -> Pictures:
        """Some of the pictures, their shorter side scaled to so many pixels."""
        assert self.pictures is not None, "there are no pictures"
        height, width = self.pictures.shape[1:3]
        scale = short_side / min(height, width)
        size = max(short_side, round(width * scale)), max(short_side, round(height * scale))
        way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
        return np.stack(
            [np.asarray(Image.fromarray(self.pictures[place]).resize(size, way)) for place in places.tolist()]
        )


@dataclass(frozen=True)
class ReadingSettings:
    """How files become recordings.

    Attributes:
        clip_seconds: length of the clips that a file is cut into.
        shortest: what is shorter is left out, in seconds.
        sample_rate: of the sound in Hz.
        fps: pictures a second.
        short_side: of the pictures, in pixels.
    """

    clip_seconds: float = 8.0
    shortest: float = 2.0
    sample_rate: int = 16000
    fps: float = 8.0
    short_side: int = 128


def iter_recordings(path: Path, settings: ReadingSettings, reporter: Reporter) -> Iterator[Recording]:
    """The clips of a file, one in memory at a time; what cannot be read is told and left out."""
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
        reporter.warn(f"`{path.name}` is left out: {error.message}")


def _read(path: Path, start: float, end: float, settings: ReadingSettings) -> Recording:
    info = probe(path)
    sound: Waveform | None = None
    pictures: Pictures | None = None
    if info.audio:
        sound = read_waveform(path, start, end, sample_rate=settings.sample_rate)
        if sound.size < settings.shortest * settings.sample_rate or _level(sound) < _SILENCE:
            sound = None
    if any(not stream.cover for stream in info.video):
        frames = iter_frames(
            path, fps=settings.fps, start=start, end=end, size=settings.short_side, threads=1
        )
        found = [picture for _, picture in frames]
        pictures = np.stack(found) if len(found) >= settings.shortest * settings.fps else None
    return Recording(f"{path.name}@{start:g}", sound, settings.sample_rate, pictures, settings.fps)


def _level(sound: Waveform) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
