"""Building blocks of synthetic sounds: shaped noise, gliding tones, struck partials, envelopes.

Everything is mono float64 at `sample_rate` and takes its randomness from a given generator, so that a
sound depends on nothing but its seed.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

Signal = NDArray[np.float64]
Rng = np.random.Generator
_CYCLE = 4096  # steps in which a cycle of a tone is looked up


def clock(seconds: float, sample_rate: int) -> Signal:
    """The times of the samples of a sound, in seconds. Shape (samples,)."""
    return np.arange(round(seconds * sample_rate)) / sample_rate


def band_noise(
    rng: Rng, seconds: float, sample_rate: int, low: float, high: float, tilt: float = 0
) -> Signal:
    """Gaussian noise between two frequencies, of unit power.

    Args:
        rng: where the randomness comes from.
        seconds: the duration.
        sample_rate: in Hz.
        low: where a slope of 12 dB an octave begins downwards, in Hz.
        high: where a slope of 24 dB an octave begins upwards, in Hz.
        tilt: dB an octave inside the band (-3 is pink).
    """
    num_samples = max(round(seconds * sample_rate), 1)
    length = next_fast_len(num_samples, real=True)  # transforms of awkward lengths take several times longer
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency = np.maximum(np.fft.rfftfreq(length, 1 / sample_rate), 1.0)
    gain = 1 / np.sqrt((1 + (low / frequency) ** 4) * (1 + (frequency / high) ** 8))
    if tilt:
        gain *= (frequency / low) ** (tilt / 6.02)
    samples = np.fft.irfft(spectrum * gain, length)[:num_samples]
    return np.asarray(samples / (samples.std() + 1e-12))


def resonate(samples: Signal, sample_rate: int, peaks: Iterable[tuple[float, float, float]]) -> Signal:
    """Keeps what lies near resonances (frequency in Hz, bandwidth in Hz, gain) of a sound."""
    length = next_fast_len(len(samples), real=True)
    frequency = np.fft.rfftfreq(length, 1 / sample_rate)
    gain = np.zeros_like(frequency)
    for centre, width, peak in peaks:
        gain += peak / np.sqrt(1 + ((frequency - centre) / (width / 2)) ** 2)
    return np.asarray(np.fft.irfft(np.fft.rfft(samples, length) * gain, length)[: len(samples)])


def glide(frequency: Signal, sample_rate: int, harmonics: Sequence[float] = (1.0,)) -> Signal:
    """A tone whose fundamental follows `frequency` (Hz, a value a sample), with harmonic amplitudes.

    Harmonics that would pass 0.45 of the sampling rate are skipped: they would fold back.
    """
    highest = int(0.45 * sample_rate / frequency.max())
    cycle = np.linspace(0, 1, _CYCLE + 1)
    wave = np.zeros_like(cycle)
    for order, amplitude in enumerate(harmonics[: max(highest, 1)], start=1):
        wave += amplitude * np.sin(2 * np.pi * order * cycle)
    # One cycle is looked up instead of adding dozens of sines for every sample.
    return np.interp((np.cumsum(frequency) / sample_rate) % 1, cycle, wave)


def struck(
    rng: Rng, seconds: float, sample_rate: int, partials: Sequence[tuple[float, float, float]]
) -> Signal:
    """A struck body: damped partials (frequency in Hz, time to fall by 60 dB in seconds, amplitude)."""
    time = clock(seconds, sample_rate)
    body = np.zeros_like(time)
    for frequency, fall, amplitude in partials:
        if frequency < 0.45 * sample_rate:
            phase = rng.uniform(0, 2 * np.pi)
            body += amplitude * np.exp(-6.9 * time / fall) * np.sin(2 * np.pi * frequency * time + phase)
    return body


def decay(seconds: float, sample_rate: int, fall: float, attack: float = 0.002) -> Signal:
    """An envelope that rises in `attack` seconds and then loses 60 dB in `fall` seconds."""
    time = clock(seconds, sample_rate)
    return np.asarray(np.minimum(time / attack, 1.0) * np.exp(-6.9 * np.maximum(time - attack, 0) / fall))


def wander(rng: Rng, seconds: float, sample_rate: int, rate: float, depth: float) -> Signal:
    """A smooth random curve around 1: about `rate` turns a second, between 1 - depth and 1 + depth."""
    knots = rng.uniform(-1, 1, max(round(seconds * rate), 1) + 3)
    position = clock(seconds, sample_rate) * rate
    before = position.astype(int)
    # Cosine steps between the knots: cheap, and without corners that could be heard.
    weight = (1 - np.cos(np.pi * (position - before))) / 2
    return np.asarray(1 + depth * (knots[before] * (1 - weight) + knots[before + 1] * weight))


def fade(samples: Signal, sample_rate: int, attack: float = 0.01, release: float = 0.1) -> Signal:
    """Takes the edges off a sustained sound."""
    time = np.arange(len(samples)) / sample_rate
    end = len(samples) / sample_rate
    return np.asarray(samples * np.minimum(time / attack, 1) * np.clip((end - time) / release, 0, 1))


def scatter(onsets: Iterable[float], seconds: float, sample_rate: int, grain: Callable[[], Signal]) -> Signal:
    """A sound made of many: `grain()` is called for every onset (in seconds), the results are added."""
    mix = np.zeros(round(seconds * sample_rate))
    for onset in onsets:
        first = round(onset * sample_rate)
        if first < len(mix):
            piece = grain()[: len(mix) - first]
            mix[first : first + len(piece)] += piece
    return mix


def regular_onsets(rng: Rng, seconds: float, interval: float, jitter: float = 0.05) -> Signal:
    """Onsets from 0 on, `interval` seconds apart with a relative random error of `jitter`."""
    steps = interval * (1 + jitter * rng.standard_normal(max(round(seconds / interval), 1)))
    onsets = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 0.2 * interval))])
    return np.asarray(onsets[onsets < seconds])


def random_onsets(rng: Rng, seconds: float, rate: float) -> Signal:
    """`rate` onsets a second at random times, the first at 0."""
    return np.sort(np.concatenate([[0.0], rng.uniform(0, seconds, max(round(seconds * rate) - 1, 0))]))
