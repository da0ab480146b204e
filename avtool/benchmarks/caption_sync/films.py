"""Films at signal level: who speaks when, what a detector finds of it, and the captions made for it.

No audio is rendered: a film is the output of an imperfect speech detector at 100 Hz and the caption cues of
its SDH track, so that a synchroniser can be measured on hours of film in seconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RATE = 100
CUE_LEAD_S = 0.07
"""How much earlier than its words a cue appears, on average."""
DETECTOR_LAG_S = 0.02
"""How much later than the voice the detector notices it, on average."""


@dataclass(frozen=True, eq=False)
class DetectorQuality:
    """How a speech detector errs.

    Attributes:
        missed: share of utterances missed altogether (drowned in music and effects).
        dropouts: gaps a second of speech, each 0.1 to 0.5 s.
        false_alarms: bursts a minute of non-speech, each 0.2 to 2.5 s.
        music_as_speech: share of the music beds that are taken for speech throughout.
    """

    name: str
    missed: float
    dropouts: float
    false_alarms: float
    music_as_speech: float


NEURAL = DetectorQuality("neural", missed=0.08, dropouts=0.08, false_alarms=1.5, music_as_speech=0.1)
CLASSICAL = DetectorQuality("classical", missed=0.35, dropouts=0.5, false_alarms=9.0, music_as_speech=0.5)
"""Recall and precision near what Silero (.92/.92) and WebRTC in mode 3 (.5/.7) reach on films with music."""


@dataclass(frozen=True, eq=False)
class DialogueFilm:
    """A generated film.

    Attributes:
        speech: (frames,) detector output at 100 Hz, zeros and ones.
        starts_s, ends_s: (cues,) when each caption is shown, in true film time, in order.
        is_dialogue: (cues,) False for cues that describe a sound.
        duration_s: length of the film.
        detector: the detector's name.
    """

    speech: NDArray[np.float32]
    starts_s: Floats
    ends_s: Floats
    is_dialogue: NDArray[np.bool_]
    duration_s: float
    detector: str


def make_film(minutes: float, rng: np.random.Generator, quality: DetectorQuality = NEURAL) -> DialogueFilm:
    """Draws a film: scenes, utterances, detector errors and captions, all from `rng`."""
    duration = minutes * 60
    scenes = _scenes(duration, rng)
    utterances = _utterances(scenes, rng)
    speech = _detected(utterances, scenes, duration, quality, rng)
    starts, ends = _captions(utterances, rng)
    sound_starts, sound_ends = _sound_cues(starts, ends, duration, rng)
    order = np.argsort(np.concatenate([starts, sound_starts]), kind="stable")
    return DialogueFilm(
        speech=speech,
        starts_s=np.concatenate([starts, sound_starts])[order],
        ends_s=np.concatenate([ends, sound_ends])[order],
        is_dialogue=(np.arange(len(order)) < len(starts))[order],
        duration_s=duration,
        detector=quality.name,
    )


def _scenes(duration: float, rng: np.random.Generator) -> list[tuple[float, float, bool]]:
    """(start, end, is_dialogue) of scenes: talk of 1 to 5 minutes, action or music of 10 s to 2 minutes."""
    scenes, time, talk = [], float(rng.uniform(10, 60)), True  # the titles come first
    while time < duration:
        length = rng.uniform(60, 300) if talk else rng.uniform(10, 120)
        scenes.append((time, min(time + length, duration), talk))
        time, talk = time + length, not talk
    return scenes


def _utterances(scenes: list[tuple[float, float, bool]], rng: np.random.Generator) -> Floats:
    """(utterances, 2) starts and ends: log-normal lengths, short pauses in a turn and long ones between."""
    spans = []
    for start, end, talk in scenes:
        time = start + rng.uniform(0.5, 4)
        while time < end - 1:
            length = float(np.clip(rng.lognormal(0.55, 0.6), 0.3, 7))
            spans.append((time, min(time + length, end)))
            long_pause = rng.random() < (0.45 if talk else 0.9)
            mean_pause = 2.2 if talk else 12.0
            time += length + (0.8 + rng.exponential(mean_pause) if long_pause else rng.uniform(0.1, 0.7))
    return np.array(spans).reshape(-1, 2)


def _paint(signal: NDArray[np.float32], start: float, end: float, value: float) -> None:
    signal[max(0, round(start * RATE)) : max(0, round(end * RATE))] = value


def _detected(
    utterances: Floats,
    scenes: list[tuple[float, float, bool]],
    duration: float,
    quality: DetectorQuality,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    signal = np.zeros(round(duration * RATE), np.float32)
    for _ in range(rng.poisson(quality.false_alarms * duration / 60)):
        start = rng.uniform(0, duration)
        _paint(signal, start, start + rng.uniform(0.2, 2.5), 1)
    for start, end, talk in scenes:
        if rng.random() < (0.15 if talk else 0.8) * quality.music_as_speech:
            bed = rng.uniform(start, end)
            _paint(signal, bed, min(end, bed + rng.uniform(15, 90)), 1)
    for start, end in utterances:
        if rng.random() >= quality.missed:
            _paint(signal, start + rng.normal(DETECTOR_LAG_S, 0.03), end + rng.exponential(0.12), 1)
            for _ in range(rng.poisson(quality.dropouts * (end - start))):
                gap = rng.uniform(start, end)
                _paint(signal, gap, gap + rng.uniform(0.1, 0.5), 0)
    return signal


def _captions(utterances: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Cues of dialogue: a little early on average, ends often late, some mistimed, some absent."""
    kept = utterances[rng.random(len(utterances)) > 0.03]
    starts = kept[:, 0] - CUE_LEAD_S + rng.normal(0, 0.12, len(kept))
    careless = rng.random(len(kept)) < 0.03
    starts[careless] += rng.uniform(-1, 1, int(careless.sum()))
    starts = np.sort(np.maximum(starts, 0.0))
    lag = np.where(
        rng.random(len(kept)) < 0.5, rng.normal(0.05, 0.1, len(kept)), rng.uniform(0.2, 1.5, len(kept))
    )
    ends = np.maximum(kept[:, 1] + lag, starts + 0.9)
    ends[:-1] = np.minimum(ends[:-1], np.maximum(starts[1:] - 0.04, starts[:-1] + 0.2))
    return starts, ends


def _sound_cues(
    starts: Floats, ends: Floats, duration: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Cues that describe a sound, in the gaps between dialogue, about two a minute."""
    times = np.sort(rng.uniform(5, duration - 5, rng.poisson(3 * duration / 60)))
    lengths = rng.uniform(1, 3.5, len(times))
    after = np.searchsorted(starts, times)
    previous_end = np.where(after > 0, ends[np.maximum(after - 1, 0)], 0.0)
    next_start = np.where(after < len(starts), starts[np.minimum(after, len(starts) - 1)], duration)
    free = (times > previous_end + 0.1) & (next_start - times > 0.8)
    return times[free], np.minimum(times + lengths, next_start - 0.05)[free]
