"""Speech-like babble: text is read letter by letter by a formant synthesiser.

Nothing can be understood, but what a voice activity detector listens to is there: a pitch with its
intonation, formants that move from vowel to vowel, hisses and bursts of consonants, the rhythm of
syllables, and pauses where the text has them. The voiced part is synthesised pitch pulse by pitch pulse,
each an impulse through the vocal tract of its moment (Rodet 1984, "Time-domain formant-wave-function
synthesis").
"""

import zlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avtool.synthetic.sounds import Samples
from avtool.synthetic.synthesis import Rng, Signal, band_noise


class SpeechBank(Protocol):
    """Where a film gets its voices from."""

    @property
    def num_voices(self) -> int:
        """How many speakers there are."""

    @property
    def sample_rate(self) -> int:
        """Of everything rendered, in Hz."""

    def seconds(self, text: str, voice: int, take: int) -> float:
        """How long `render` with the same arguments takes to listen to."""

    def render(self, text: str, voice: int, take: int) -> Samples:
        """An utterance of unit power that starts and ends with voice. The same for the same arguments."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker.

    Attributes:
        pitch: mean fundamental frequency in Hz.
        tract: formants of this speaker over those of an adult man.
        rate: vowels a second.
        breath: noise among the voice, 0 to 1.
    """

    pitch: float
    tract: float
    rate: float
    breath: float


VOICES = (
    Voice(115, 1.00, 4.6, 0.05),
    Voice(205, 1.17, 4.9, 0.08),
    Voice(95, 0.96, 4.0, 0.04),
    Voice(180, 1.13, 5.4, 0.10),
    Voice(135, 1.02, 5.2, 0.06),
    Voice(250, 1.27, 5.0, 0.09),
)

# First four formants of an adult man in Hz, after Peterson and Barney (1952); a fourth one added.
_VOWELS = {
    "a": (730, 1090, 2440, 3400),
    "e": (530, 1840, 2480, 3500),
    "i": (300, 2200, 2950, 3600),
    "o": (570, 860, 2410, 3300),
    "u": (320, 900, 2240, 3300),
    "y": (390, 1990, 2550, 3500),
}
_SONORANTS = {
    "m": (270, 1000, 2200, 3300),
    "n": (270, 1500, 2500, 3300),
    "l": (360, 1100, 2700, 3400),
    "r": (420, 1250, 1650, 3300),
    "w": (300, 650, 2200, 3300),
    "j": (280, 2150, 2900, 3600),
}
# Low edge and high edge in Hz, and amplitude.
_HISSES = {
    "s": (4200, 7500, 0.30), "z": (4000, 7500, 0.18), "f": (1500, 7500, 0.12), "v": (1500, 7000, 0.10),
    "h": (700, 3500, 0.12), "x": (2200, 6500, 0.25), "c": (2200, 6500, 0.25), "q": (2000, 5000, 0.20),
}  # fmt: skip
_BURSTS = {"p": 900, "b": 700, "t": 4200, "d": 3200, "k": 2200, "g": 1800}
_BANDWIDTHS = np.array([70.0, 95.0, 140.0, 220.0])
_GAINS = np.array([1.0, 0.63, 0.32, 0.14])
_PULSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class _Phone:
    """A segment of speech: `voicing` is the pulses' amplitude, `hiss` a noise band and its amplitude."""

    seconds: float
    formants: tuple[float, ...]
    voicing: float
    hiss: tuple[float, float, float] | None = None


def _phones(text: str, voice: Voice, rng: Rng) -> list[_Phone]:
    """Reads the letters of a text; a comma or full stop inside it is a pause."""
    neutral = (500.0, 1500.0, 2500.0, 3500.0)
    vowel_seconds = 0.62 / voice.rate
    consonant_seconds = 0.30 / voice.rate
    phones: list[_Phone] = []
    for letter in text.lower():
        tempo = rng.uniform(0.8, 1.25)
        if letter in _VOWELS:
            phones.append(_Phone(vowel_seconds * tempo, _VOWELS[letter], rng.uniform(0.8, 1.0)))
        elif letter in _SONORANTS:
            phones.append(_Phone(consonant_seconds * tempo, _SONORANTS[letter], 0.5))
        elif letter in _HISSES:
            voicing = 0.25 if letter in "zv" else 0.0
            phones.append(_Phone(1.3 * consonant_seconds * tempo, neutral, voicing, _HISSES[letter]))
        elif letter in _BURSTS:
            centre = _BURSTS[letter]
            closure = 0.12 if letter in "bdg" else 0.0
            phones.append(_Phone(0.8 * consonant_seconds * tempo, neutral, closure))
            phones.append(_Phone(0.018, neutral, closure, (0.7 * centre, 1.5 * centre, 0.35)))
        elif letter in ",;:.!?…" and phones:
            phones.append(_Phone(rng.uniform(0.18, 0.3), neutral, 0.0))
    while phones and not (phones[-1].voicing or phones[-1].hiss):
        phones.pop()  # the pause of the final full stop
    return phones or [_Phone(vowel_seconds, _VOWELS["a"], 1.0)]


def _pitch_curve(times: Signal, seconds: float, voice: Voice, rng: Rng) -> Signal:
    """Declination over the phrase with an accent about twice a second. Hz at each of `times`."""
    accents = rng.uniform(-0.12, 0.22, max(int(seconds * 2), 1) + 2)
    accent = np.interp(times, np.linspace(0, seconds, len(accents)), accents)
    return np.asarray(voice.pitch * (1.1 - 0.22 * times / seconds) * (1 + accent))


def _pulse_times(seconds: float, voice: Voice, rng: Rng) -> Signal:
    """When the glottis closes: steps of one period, with the 1 % of jitter of a real voice."""
    grid = np.arange(0, seconds, 0.005)
    cycles = np.cumsum(_pitch_curve(grid, seconds, voice, rng)) * 0.005
    times = np.interp(np.arange(0.0, cycles[-1]), cycles, grid)
    return np.asarray(np.clip(times + rng.normal(0, 0.01 / voice.pitch, len(times)), 0, seconds))


def _voiced(phones: list[_Phone], voice: Voice, rng: Rng, sample_rate: int) -> Signal:
    """The pulses of an utterance through its moving formants."""
    bounds = np.concatenate([[0.0], np.cumsum([phone.seconds for phone in phones])])
    centres = (bounds[:-1] + bounds[1:]) / 2
    times = _pulse_times(float(bounds[-1]), voice, rng)
    targets = np.array([phone.formants for phone in phones]) * voice.tract  # (phones, 4)
    formants = np.stack([np.interp(times, centres, targets[:, k]) for k in range(4)], axis=1)  # (pulses, 4)
    amplitude = np.interp(times, centres, [phone.voicing for phone in phones])
    inside = np.minimum(np.searchsorted(bounds, times, side="right") - 1, len(phones) - 1)
    amplitude *= np.array([phone.voicing > 0 for phone in phones])[inside]
    amplitude *= 1 + 0.05 * rng.standard_normal(len(times))  # shimmer

    clock = (np.arange(round(_PULSE_SECONDS * sample_rate)) / sample_rate).astype(np.float32)
    damping = np.exp(-np.pi * np.outer(_BANDWIDTHS, clock)) * (1 - np.exp(-clock / 0.0004))  # (4, length)
    # The response to every pulse: here most of the time goes, hence single precision.
    responses = np.zeros((len(times), len(clock)), dtype=np.float32)
    for formant, shape, gain in zip(formants.astype(np.float32).T, damping, _GAINS, strict=True):
        responses += np.sin(np.multiply.outer(2 * np.pi * formant, clock)) * (gain * shape).astype(np.float32)
    responses *= amplitude[:, None].astype(np.float32)
    speech = np.zeros(_num_samples(phones, sample_rate))
    for first, response in zip((times * sample_rate).astype(int), responses, strict=True):
        speech[first : first + len(clock)] += response
    breath = band_noise(rng, len(speech) / sample_rate, sample_rate, 800, 5000)
    return np.asarray(speech + voice.breath * breath * np.abs(speech))


def _hissed(phones: list[_Phone], rng: Rng, sample_rate: int, length: int) -> Signal:
    """The noises of the consonants."""
    noise = np.zeros(length)
    start = 0.0
    for phone in phones:
        if phone.hiss is not None:
            low, high, amplitude = phone.hiss
            piece = band_noise(rng, phone.seconds, sample_rate, low, high)
            piece *= amplitude * np.minimum(1, 4 * np.sin(np.linspace(0, np.pi, len(piece))) + 0.02)
            first = round(start * sample_rate)
            noise[first : first + len(piece)] += piece[: length - first]
        start += phone.seconds
    return noise


@dataclass(frozen=True)
class SyntheticSpeech:
    """Babble in six voices."""

    sample_rate: int = 16_000
    num_voices: int = len(VOICES)

    def seconds(self, text: str, voice: int, take: int) -> float:
        _, phones, _ = self._read(text, voice, take)
        return _num_samples(phones, self.sample_rate) / self.sample_rate

    def render(self, text: str, voice: int, take: int) -> Samples:
        speaker, phones, rng = self._read(text, voice, take)
        voiced = _voiced(phones, speaker, rng, self.sample_rate)
        speech = voiced + _hissed(phones, rng, self.sample_rate, len(voiced))
        return _unit_power(speech)

    def _read(self, text: str, voice: int, take: int) -> tuple[Voice, list[_Phone], Rng]:
        rng = np.random.default_rng((zlib.crc32(text.encode()), voice, take))
        speaker = VOICES[voice % len(VOICES)]
        return speaker, _phones(text, speaker, rng), rng


def _num_samples(phones: list[_Phone], sample_rate: int) -> int:
    """The length of an utterance, with the ring of its last pulse."""
    return round((sum(phone.seconds for phone in phones) + _PULSE_SECONDS) * sample_rate)


def _unit_power(samples: NDArray[np.float64]) -> Samples:
    """Scales to a root mean square of 1 over the parts that are not silent."""
    loud = samples[np.abs(samples) > 0.02 * np.abs(samples).max()]
    return np.asarray(samples / np.sqrt(np.mean(loud**2)), dtype=np.float32)
