"""Films for queries: objects come and go, recordings sound, each without regard to the other.

No class of object or sound comes twice in a film, so that every query has one true window. Scenes, a
silent cloud and quiet music change without regard to both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.media.encode import FilmSettings, film_writer
from avtool.synthetic.drawn_objects import LOOKS, DrawnObject, draw_object
from avtool.synthetic.mixing import Part, mix, music_of
from avtool.synthetic.moving_sources import Recording, fill, sound_of
from avtool.synthetic.painter import Painter, PainterSettings
from avtool.synthetic.script import Event, Scene, Script
from avtool.synthetic.sounds import Samples
from avtool.synthetic.synthesis import Rng

RATE = 16_000
"""Sampling rate of the films, in Hz."""
_LENGTHS_S = (3.0, 6.0)  # of an object or a sound
_PAUSE_S = 0.4
_SHORTEST_SLOT_S = 4.0
_SCENES_S = (8.0, 25.0)
_MUSIC_SHARE = 0.5
_MUSIC_DB = (-36.0, -28.0)
_SOUND_DB = (-12.0, -6.0)
_H264 = (("preset", "ultrafast"), ("tune", "zerolatency"), ("crf", "18"))


@dataclass(frozen=True, slots=True)
class QueriedSettings:
    """Settings of a queried film.

    Attributes:
        seconds: duration.
        size: (height, width) of the frame in pixels, both even.
        fps: frames per second.
        objects: per minute; each of the 36 classes comes once at most.
        sounds: per minute; each class comes once at most.
        at_once: objects that may be seen at the same time.
    """

    seconds: float = 120.0
    size: tuple[int, int] = (72, 96)
    fps: int = 5
    objects: float = 8.0
    sounds: float = 4.0
    at_once: int = 1

    def check(self) -> None:
        """Refuses settings that no film can have.

        Raises:
            BadInputError: one has no meaning.
        """
        if self.seconds < 2 * _SHORTEST_SLOT_S:
            raise BadInputError(f"a film of {self.seconds:g} s is too short", "give 8 s or more")
        if self.size[0] % 2 or self.size[1] % 2 or min(self.size) < 32:
            height, width = self.size
            raise BadInputError(f"frames of {width}x{height} cannot be encoded", "use even sides from 32 on")
        for name, rate in (("objects", self.objects / self.at_once), ("sounds", self.sounds)):
            if not 0 <= rate <= 60 / _SHORTEST_SLOT_S:
                message = f"{rate:g} {name} a minute, one after another, leave {60 / max(rate, 0.01):.1f} s"
                raise BadInputError(message, f"give at most {60 / _SHORTEST_SLOT_S:g}")


@dataclass(frozen=True, slots=True)
class HeardSound:
    """A recording that sounds in a film.

    Attributes:
        recording: what sounds; short ones are repeated.
        start, end: of what is audible, in seconds of film time.
        first: sample at which its track begins.
        num_samples: of its track.
        seed: of the segment that is drawn, or of the pauses.
        gain_db: level of its peak, in dBFS.
    """

    recording: Recording
    start: float
    end: float
    first: int
    num_samples: int
    seed: int
    gain_db: float

    def track(self) -> Samples:
        """Its samples in the film from `first` on."""
        track = fill(sound_of(self.recording), self.num_samples, np.random.default_rng(self.seed))
        return np.asarray(track * 10 ** (self.gain_db / 20), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is seen and heard in a queried film: the truth about it, in time order."""

    settings: QueriedSettings
    scenes: tuple[Scene, ...]
    objects: tuple[DrawnObject, ...]
    sounds: tuple[HeardSound, ...]
    music: tuple[Event, ...]


def write_scenario(
    settings: QueriedSettings, recordings: Mapping[str, Sequence[Recording]], rng: Rng
) -> Scenario:
    """A random scenario.

    Args:
        settings: of the film.
        recordings: class → those that may sound.
        rng: draws everything.

    Raises:
        BadInputError: a setting has no meaning, or a recording cannot be read.
    """
    settings.check()
    minutes = settings.seconds / 60
    looks = rng.permutation(len(LOOKS))[: round(settings.objects * minutes)].tolist()
    objects = []
    for track in range(settings.at_once):
        mine = looks[track :: settings.at_once]
        for look, (start, end) in zip(mine, _spans(len(mine), settings, rng), strict=True):
            objects.append(draw_object(LOOKS[look], start, end, rng))
    labels = rng.permutation(sorted(recordings))[: round(settings.sounds * minutes)].tolist()
    spans = _spans(len(labels), settings, rng)
    sounds = [_sound(recordings[label], span, rng) for label, span in zip(labels, spans, strict=True)]
    scenes = _scenes(settings, rng)
    beds = [_music(scene, rng) for scene in scenes if rng.random() < _MUSIC_SHARE]
    objects.sort(key=lambda one: (one.start, one.look.label))
    return Scenario(settings, scenes, tuple(objects), tuple(sounds), tuple(beds))


def _spans(count: int, settings: QueriedSettings, rng: Rng) -> list[tuple[float, float]]:
    """Starts and ends one after another, on frames; each has its slot of the film."""
    spans = []
    for number in range(count):
        slot = settings.seconds / count
        length = min(rng.uniform(*_LENGTHS_S), slot - _PAUSE_S)
        start = number * slot + rng.uniform(0, slot - length - _PAUSE_S / 2)
        first, last = round(start * settings.fps), round((start + length) * settings.fps)
        spans.append((first / settings.fps, max(last, first + 1) / settings.fps))
    return spans


def _sound(recordings: Sequence[Recording], span: tuple[float, float], rng: Rng) -> HeardSound:
    recording = recordings[int(rng.integers(len(recordings)))]
    first, num_samples = round(span[0] * RATE), round((span[1] - span[0]) * RATE)
    seed, gain = int(rng.integers(2**31)), float(rng.uniform(*_SOUND_DB))
    heard = HeardSound(recording, *span, first, num_samples, seed, gain)
    audible = np.flatnonzero(heard.track())
    start, end = (first + audible[0]) / RATE, (first + audible[-1] + 1) / RATE
    return HeardSound(recording, float(start), float(end), first, num_samples, seed, gain)


def _scenes(settings: QueriedSettings, rng: Rng) -> tuple[Scene, ...]:
    cuts = [0.0]
    while (cut := cuts[-1] + float(rng.uniform(*_SCENES_S))) < settings.seconds - _SCENES_S[0]:
        cuts.append(cut)
    cuts.append(settings.seconds)
    return tuple(Scene(start, end, float(rng.random()), (0, 1)) for start, end in pairwise(cuts))


def _music(scene: Scene, rng: Rng) -> Event:
    gain, tune = float(rng.uniform(*_MUSIC_DB)), int(rng.integers(2**31))
    return Event(scene.start, scene.end, "music", "music", tune, gain, "", "", "", "")


def shoot_scenario(path: Path, scenario: Scenario, rng: Rng, reporter: Reporter) -> None:
    """Makes the film of a scenario; it appears at `path` when it is whole. Memory is that of some seconds.

    Args:
        path: the film; its suffix decides the container.
        scenario: what happens.
        rng: draws the noise of the room.
        reporter: shows the progress.
    """
    settings = scenario.settings
    painter = background(scenario)
    film = FilmSettings(
        fps=settings.fps, size=settings.size, sample_rate=RATE, gop=4 * settings.fps, video_options=_H264
    )
    frame = 0
    with (
        film_writer(path, film) as writer,
        reporter.progress(f"making {path.stem}", settings.seconds) as progress,
    ):
        for block in mix(_parts(scenario), settings.seconds, RATE, rng):
            writer.audio(block.samples)
            while frame < writer.audio_time * settings.fps - 1e-6:
                now, pixels = frame / settings.fps, painter.frame(frame)
                for one in scenario.objects:
                    if one.start <= now < one.end:
                        one.paint(pixels, now)
                writer.frame(pixels)
                frame += 1
            progress.advance(len(block.samples) / RATE)


def background(scenario: Scenario) -> Painter:
    """A painter of the scenes and the cloud alone."""
    settings = scenario.settings
    script = Script("", settings.seconds, scenario.scenes, (), (), ())
    return Painter(script, PainterSettings("drawn", settings.size, settings.fps))


def _parts(scenario: Scenario) -> list[Part]:
    parts = [Part(one.first, one.track, _event(one)) for one in scenario.sounds]
    parts += [Part(round(bed.start * RATE), music_of(bed, RATE), bed) for bed in scenario.music]
    return sorted(parts, key=lambda part: part.first)


def _event(heard: HeardSound) -> Event:
    label = heard.recording.label
    return Event(heard.start, heard.end, "sound", label, heard.seed, heard.gain_db, label, "", "", "")
