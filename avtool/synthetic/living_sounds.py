"""Synthetic sounds of animals and of people without words."""

from collections.abc import Sequence

import numpy as np

from avtool.synthetic.synthesis import (
    Rng,
    Signal,
    band_noise,
    decay,
    fade,
    glide,
    random_onsets,
    regular_onsets,
    resonate,
    scatter,
    wander,
)

_BRIGHT = tuple(0.88**order for order in range(24))


def _call(
    rng: Rng, sample_rate: int, pitch: Signal, formants: Sequence[tuple[float, float, float]]
) -> Signal:
    """A voiced call: a rough harmonic tone at `pitch` (Hz, a value a sample) through a vocal tract."""
    seconds = len(pitch) / sample_rate
    rough = pitch * wander(rng, seconds, sample_rate, 40, 0.03)[: len(pitch)]
    call = resonate(glide(rough, sample_rate, _BRIGHT), sample_rate, formants)
    return np.asarray(call / np.abs(call).max())


def _arch(count: int, low: float, high: float, peak_at: float = 0.35) -> Signal:
    """A pitch curve that rises from `low` to `high` and falls back."""
    place = np.linspace(0, 1, count)
    return np.interp(place, [0, peak_at, 1], [low, high, low * 0.85])


def dog(rng: Rng, sample_rate: int) -> Signal:
    """One to four barks: short, harsh, the pitch jumps up and drops."""
    barks = int(rng.integers(1, 5))
    gap = rng.uniform(0.32, 0.5)
    size = rng.uniform(0.8, 1.5)

    def bark() -> Signal:
        count = round(0.22 * sample_rate)
        pitch = _arch(count, 260 / size, 620 / size) * rng.uniform(0.95, 1.05)
        voice = _call(
            rng, sample_rate, pitch, [(700 / size, 250, 1), (1500 / size, 350, 0.8), (3000, 600, 0.3)]
        )
        breath = band_noise(rng, 0.22, sample_rate, 500, 3500)
        return (voice + 0.15 * breath) * decay(0.22, sample_rate, 0.35, 0.012)

    onsets = gap * np.arange(barks)
    return scatter(onsets, onsets[-1] + 0.3, sample_rate, bark)


def cat(rng: Rng, sample_rate: int) -> Signal:
    """One or two meows: nasal, then open, then falling."""
    meows = int(rng.integers(1, 3))
    length = rng.uniform(0.6, 0.9)

    def meow() -> Signal:
        count = round(length * sample_rate)
        pitch = _arch(count, 430, 760, 0.4) * rng.uniform(0.95, 1.1)
        closed = _call(rng, sample_rate, pitch, [(500, 150, 1), (2500, 400, 0.3)])
        opened = _call(rng, sample_rate, pitch, [(1100, 250, 1), (2400, 350, 0.7), (3700, 500, 0.4)])
        mouth = np.sin(np.pi * np.linspace(0, 1, count)) ** 2
        return fade(closed * (1 - mouth) * 0.6 + opened * mouth, sample_rate, 0.02, 0.15)

    onsets = (length + 0.25) * np.arange(meows)
    return scatter(onsets, onsets[-1] + length, sample_rate, meow)


def chirping_birds(rng: Rng, sample_rate: int) -> Signal:
    """A bird repeats a short phrase of fast high sweeps, another replies."""
    seconds = rng.uniform(1.8, 3.5)
    base = rng.uniform(2600, 3600)

    def chirp() -> Signal:
        count = round(rng.uniform(0.05, 0.11) * sample_rate)
        start, end = base * rng.uniform(0.8, 1.3), base * rng.uniform(0.9, 1.7)
        tone = glide(np.linspace(start, end, count), sample_rate, (1, 0.05))
        return tone * np.hanning(count) * rng.uniform(0.5, 1)

    onsets = regular_onsets(rng, seconds - 0.15, rng.uniform(0.13, 0.2), 0.25)
    return scatter(onsets[(np.arange(len(onsets)) % 6) < 4], seconds, sample_rate, chirp)


def crying_baby(rng: Rng, sample_rate: int) -> Signal:
    """Wails of about a second with a gasp between them."""
    wails = int(rng.integers(2, 4))
    length = rng.uniform(0.7, 1.0)

    def wail() -> Signal:
        count = round(length * sample_rate)
        vibrato = 1 + 0.04 * np.sin(2 * np.pi * 7 * np.arange(count) / sample_rate)
        pitch = _arch(count, 400, 530, 0.3) * vibrato
        voice = _call(rng, sample_rate, pitch, [(1100, 300, 1), (1800, 300, 0.8), (3600, 600, 0.5)])
        return fade(voice, sample_rate, 0.03, 0.2)

    onsets = (length + 0.22) * np.arange(wails)
    return scatter(onsets, onsets[-1] + length, sample_rate, wail)


def laughing(rng: Rng, sample_rate: int) -> Signal:
    """Ha ha ha: breathy vowels five times a second, falling in pitch and loudness."""
    count = int(rng.integers(5, 11))
    person = rng.uniform(0.8, 1.3)
    interval = rng.uniform(0.18, 0.23)
    step = iter(range(count))

    def syllable() -> Signal:
        fall = 1 - 0.45 * next(step) / count
        pitch = np.linspace(1.15, 0.85, round(0.13 * sample_rate)) * 210 * person * fall
        formants = [(780 * person, 120, 1), (1250 * person, 140, 0.7), (2600 * person, 250, 0.3)]
        voice = _call(rng, sample_rate, pitch, formants) * np.hanning(len(pitch)) ** 0.5
        breath = band_noise(rng, 0.13, sample_rate, 700, 4500) * decay(0.13, sample_rate, 0.2, 0.01)
        return (voice + 0.16 * breath) * fall

    return scatter(interval * np.arange(count), interval * count, sample_rate, syllable)


def coughing(rng: Rng, sample_rate: int) -> Signal:
    """One to three coughs: a burst of throat noise and a short voiced end."""
    coughs = int(rng.integers(1, 4))
    throat = rng.uniform(0.85, 1.2)

    def cough() -> Signal:
        peaks = [(600 * throat, 300, 1.0), (1400 * throat, 400, 0.9), (2900, 900, 0.5)]
        burst = resonate(band_noise(rng, 0.38, sample_rate, 250, 5500), sample_rate, peaks)
        voiced = _call(rng, sample_rate, np.linspace(190, 120, round(0.38 * sample_rate)), peaks)
        late = np.roll(decay(0.38, sample_rate, 0.3, 0.03), round(0.1 * sample_rate))
        burst *= 0.3 / burst.std() * decay(0.38, sample_rate, 0.3, 0.004)
        return np.asarray(burst + 0.25 * voiced * late)

    onsets = rng.uniform(0.45, 0.6) * np.arange(coughs)
    return scatter(onsets, onsets[-1] + 0.4, sample_rate, cough)


def crowd(rng: Rng, sample_rate: int) -> Signal:
    """A murmuring crowd: dozens of vowels at once, none to be understood."""
    seconds = rng.uniform(2.5, 4.5)
    voices = []
    for _ in range(16):
        pitch = rng.uniform(95, 240) * np.linspace(1.1, 0.9, round(0.25 * sample_rate))
        vowel = [(rng.uniform(300, 750), 130, 1), (rng.uniform(900, 2100), 180, 0.6), (2600, 300, 0.2)]
        voices.append(_call(rng, sample_rate, pitch, vowel) * np.hanning(len(pitch)))
    onsets = random_onsets(rng, seconds - 0.2, 45)
    start = np.arange(8) * 0.02  # eight voices at once from the start, or the onset could not be heard
    mix = scatter(
        np.concatenate([start, onsets]),
        seconds,
        sample_rate,
        lambda: voices[rng.integers(16)] * rng.uniform(0.3, 1),
    )
    return fade(
        mix + 0.1 * mix.std() * band_noise(rng, seconds, sample_rate, 200, 2500), sample_rate, 0.01, 0.3
    )


def sneezing(rng: Rng, sample_rate: int) -> Signal:
    """A sharp hiss with a voiced start."""
    seconds = rng.uniform(0.45, 0.7)
    hiss = band_noise(rng, seconds, sample_rate, 1800, 7000)
    pitch = np.linspace(rng.uniform(300, 420), 180, len(hiss))
    voiced = _call(rng, sample_rate, pitch, [(800, 300, 1), (1800, 400, 0.6)])
    return 0.5 * hiss * decay(seconds, sample_rate, 0.7, 0.01) + voiced * decay(
        seconds, sample_rate, 0.35, 0.005
    )
