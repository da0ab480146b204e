"""Mixes the sounds of a script block by block: memory holds one block and the sounds that reach into it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from avtool.synthetic.script import Event, Script, Utterance
from avtool.synthetic.sounds import Samples, SoundBank
from avtool.synthetic.speech import SpeechBank
from avtool.synthetic.synthesis import Rng
from avtool.synthetic.tonal_sounds import music

_SPEECH_LEVEL = -21.0  # dBFS, root mean square
_SONG_LEVEL = -19.0
_ROOM_LEVEL = -66.0
_BLOCK_S = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """A sound in the mix.

    Attributes:
        first: index of its first sample in the film.
        render: makes the samples at their final level.
        owner: what it is in the script.
    """

    first: int
    render: Callable[[], Samples]
    owner: Event | Utterance


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the film's audio.

    Attributes:
        samples: mono, within ±1. Shape (samples,).
        begun: what starts in this block, with its own samples.
    """

    samples: Samples
    begun: tuple[tuple[Event | Utterance, Samples], ...]


def _gain(decibel: float) -> np.float32:
    return np.float32(10 ** (decibel / 20))


def parts_of(script: Script, sounds: SoundBank, speech: SpeechBank) -> list[Part]:
    """Everything that sounds in a film, in the order of its start."""
    rate = sounds.sample_rate
    parts = []
    for event in script.events:
        if event.kind == "sound":
            parts.append(Part(round(event.start * rate), _sound_of(event, sounds), event))
        elif event.kind == "music":
            parts.append(Part(round(event.start * rate), music_of(event, rate), event))
    parts.extend(Part(round(line.start * rate), _speech_of(line, speech), line) for line in script.utterances)
    return sorted(parts, key=lambda part: part.first)


def _sound_of(event: Event, sounds: SoundBank) -> Callable[[], Samples]:
    return lambda: sounds.render(event.label, event.variant) * _gain(event.gain_db)


def _speech_of(line: Utterance, speech: SpeechBank) -> Callable[[], Samples]:
    level = _SONG_LEVEL if line.sung else _SPEECH_LEVEL
    return lambda: speech.render(line.text, line.voice, line.take) * _gain(level)


def music_of(event: Event, sample_rate: int) -> Callable[[], Samples]:
    """What renders a bed of music."""

    def render() -> Samples:
        tune = music(np.random.default_rng(event.variant), sample_rate, event.end - event.start)
        return np.asarray(tune / np.abs(tune).max() * _gain(event.gain_db), dtype=np.float32)

    return render


def mix(parts: list[Part], seconds: float, sample_rate: int, rng: Rng) -> Iterator[Block]:
    """Adds the parts to a quiet room, block after block of five seconds.

    Args:
        parts: in the order of their start, as from `parts_of`.
        seconds: of the whole film.
        sample_rate: in Hz.
        rng: where the room's noise comes from.
    """
    waiting = list(reversed(parts))
    sounding: list[tuple[int, Samples]] = []
    num_samples = round(seconds * sample_rate)
    step = round(_BLOCK_S * sample_rate)
    for first in range(0, num_samples, step):
        last = min(first + step, num_samples)
        samples = rng.standard_normal(last - first, dtype=np.float32) * _gain(_ROOM_LEVEL)
        begun = []
        while waiting and waiting[-1].first < last:
            part = waiting.pop()
            rendered = part.render()
            sounding.append((part.first, rendered))
            begun.append((part.owner, rendered))
        for start, rendered in sounding:
            low, high = max(start, first), min(start + len(rendered), last)
            samples[low - first : high - first] += rendered[low - start : high - start]
        sounding = [(start, rendered) for start, rendered in sounding if start + len(rendered) > last]
        yield Block(np.clip(samples, -1, 1), tuple(begun))
