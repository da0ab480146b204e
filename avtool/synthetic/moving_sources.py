"""Short films whose audio and video correspond: one recording, and one object that moves with it.

The object's look belongs to the class of the sound; how it grows, rises and travels follows the sound's
loudness, moment by moment. Where it is, where it goes and what stands around it are random. A silent cloud
drifts by, so that not everything that moves makes a sound.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtool.core.errors import BadInputError
from avtool.media.encode import FilmSettings, film_writer
from avtool.media.waveforms import read_waveform
from avtool.synthetic.painter import Painter, PainterSettings
from avtool.synthetic.real_sounds import trim_silence
from avtool.synthetic.script import Event, Scene, Script
from avtool.synthetic.sounds import Samples
from avtool.synthetic.synthesis import Rng

_RATE = 16_000
_LONGEST_S = 30.0  # of a recording; what follows is not read
_PAUSE_S = (0.2, 0.8)
_PEAK, _ROOM = 0.5, 0.001
_H264 = (("preset", "ultrafast"), ("tune", "zerolatency"), ("crf", "18"))


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of one class.

    Attributes:
        path: the file.
        label: its class.
        start, end: the part that is meant, in seconds.
        fold: number of its cross-validation fold, or None.
        group: what it was cut from.
    """

    path: Path
    label: str
    start: float = 0.0
    end: float = _LONGEST_S
    fold: int | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """What the films are like: their length in seconds, side in pixels, frames per second."""

    seconds: float = 4.0
    size: int = 64
    fps: int = 16


def make_clip(path: Path, recording: Recording, settings: ClipSettings, rng: Rng) -> None:
    """Makes the film of a recording; the same generator makes the same bytes.

    Args:
        path: the film; its suffix decides the container.
        recording: its sound.
        settings: of the film.
        rng: draws the segment of the recording, and where its object is.

    Raises:
        BadInputError: the recording cannot be read, or is silent.
    """
    track = fill(sound_of(recording), round(settings.seconds * _RATE), rng)
    audible = np.flatnonzero(np.abs(track) > 0)
    event = _event(recording.label, audible[0] / _RATE, (audible[-1] + 1) / _RATE, rng)
    scene = Scene(0.0, settings.seconds, float(rng.random()), (0, 1))
    script = Script("", settings.seconds, (scene,), (), (event,), ())
    painter = Painter(script, PainterSettings("drawn", (settings.size, settings.size), settings.fps))
    painter.add_loudness(event, track[audible[0] : audible[-1] + 1], _RATE)
    room = _ROOM * rng.standard_normal(len(track)).astype(np.float32)
    film = FilmSettings(
        fps=settings.fps,
        size=(settings.size, settings.size),
        sample_rate=_RATE,
        gop=settings.fps,
        video_options=_H264,
    )
    with film_writer(path, film) as writer:
        writer.audio(np.clip(_PEAK * track + room, -1, 1).astype(np.float32))
        for number in range(round(settings.seconds * settings.fps)):
            writer.frame(painter.frame(number))


def sound_of(recording: Recording) -> Samples:
    """The samples (N,) of a recording at 16 kHz, without silence at its ends; peak 1.

    Raises:
        BadInputError: the recording cannot be read, or is silent.
    """
    end = min(recording.end, recording.start + _LONGEST_S)
    sound = trim_silence(read_waveform(recording.path, recording.start, end, sample_rate=_RATE), _RATE)
    if not len(sound):
        raise BadInputError(f"`{recording.path}` is silent", "skip it")
    return sound


def fill(sound: Samples, num_samples: int, rng: Rng) -> Samples:
    """(num_samples,): a random segment of a long sound, or a short one repeated with pauses."""
    if len(sound) >= num_samples:
        first = int(rng.integers(len(sound) - num_samples + 1))
        return sound[first : first + num_samples]
    track = np.zeros(num_samples, np.float32)
    place = int(rng.uniform(0, _PAUSE_S[1]) * _RATE)
    while place < num_samples - _RATE // 10:  # less than 0.1 s of it would be a click
        part = sound[: num_samples - place]
        track[place : place + len(part)] = part
        place += len(sound) + int(rng.uniform(*_PAUSE_S) * _RATE)
    return track


def _event(label: str, start: float, end: float, rng: Rng) -> Event:
    heading = int(rng.choice((-1, 1)))
    across = rng.uniform(0.2, 0.5)
    place = float(across if heading > 0 else 1 - across), float(rng.uniform(0.4, 0.75))
    return Event(start, end, "sound", label, 0, 0.0, label, "", "", "", place, heading)
