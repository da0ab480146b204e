"""Synthetic sounds with a pitch of their own: bells, phones, alarms, horns, sirens, whistles, music."""

from functools import cache

import numpy as np

from avtool.synthetic.synthesis import (
    Rng,
    Signal,
    band_noise,
    clock,
    fade,
    glide,
    regular_onsets,
    scatter,
    struck,
)

_BELL_PARTIALS = (
    (0.5, 1.0, 0.5),
    (1.0, 0.9, 1.0),
    (1.2, 0.6, 0.6),
    (1.5, 0.5, 0.4),
    (2.0, 0.5, 0.7),
    (2.7, 0.3, 0.3),
)
_CHORDS = ((0, 4, 7, 12), (0, 3, 7, 12), (0, 5, 9, 12), (-3, 0, 4, 9), (-5, -1, 2, 7))


def phone_ring(rng: Rng, sample_rate: int) -> Signal:
    """An electric bell: two gongs struck 20 times a second, one or two bursts."""
    bursts = int(rng.integers(1, 3))
    gong = rng.uniform(1300, 1700)
    partials = [(gong, 0.5, 1.0), (gong * 1.27, 0.5, 0.9), (gong * 2.76, 0.2, 0.4), (gong * 3.4, 0.2, 0.3)]

    def burst() -> Signal:
        time = clock(1.1, sample_rate)
        hammer = 0.55 + 0.45 * np.sign(np.sin(2 * np.pi * 20 * time))
        ringing = sum(a * np.sin(2 * np.pi * f * time + rng.uniform(0, 6.28)) for f, _, a in partials)
        return fade(np.asarray(ringing * hammer), sample_rate, 0.004, 0.25)

    return scatter(1.6 * np.arange(bursts), 1.6 * bursts - 0.5, sample_rate, burst)


def church_bells(rng: Rng, sample_rate: int) -> Signal:
    """A large bell tolled one to three times."""
    strokes = int(rng.integers(1, 4))
    pitch = rng.uniform(230, 420)
    gap = rng.uniform(1.1, 1.5)
    partials = [(pitch * ratio, 4.5 * fall, gain) for ratio, fall, gain in _BELL_PARTIALS]
    onsets = gap * np.arange(strokes)
    return scatter(onsets, 1.8 + onsets[-1], sample_rate, lambda: fade(
        struck(rng, 1.8, sample_rate, partials), sample_rate, 0.001, 0.4
    ))  # fmt: skip


def clock_alarm(rng: Rng, sample_rate: int) -> Signal:
    """An electronic alarm: groups of four short square-wave beeps."""
    seconds = rng.uniform(1.6, 3.2)
    pitch = rng.uniform(1900, 2600)

    def group() -> Signal:
        time = clock(0.5, sample_rate)
        gate = (time % 0.125) < 0.065
        return gate * glide(np.full_like(time, pitch), sample_rate, (1, 0, 0.33, 0, 0.2))

    return scatter(regular_onsets(rng, seconds - 0.4, 0.8, 0), seconds, sample_rate, group)


def siren(rng: Rng, sample_rate: int) -> Signal:
    """A wailing siren that sweeps up and down."""
    seconds = rng.uniform(2.5, 4.5)
    time = clock(seconds, sample_rate)
    low, high = rng.uniform(500, 700), rng.uniform(1200, 1500)
    sweep = (1 - np.cos(2 * np.pi * time * rng.uniform(0.4, 0.9))) / 2
    return fade(
        glide(low + (high - low) * sweep, sample_rate, (1, 0.5, 0.35, 0.2, 0.1)), sample_rate, 0.02, 0.3
    )


def car_horn(rng: Rng, sample_rate: int) -> Signal:
    """One to three blasts of two reeds a third apart."""
    blasts = int(rng.integers(1, 4))
    length = rng.uniform(0.3, 0.7)
    pitch = rng.uniform(340, 430)
    reeds = (0.6, 1, 0.9, 0.8, 0.6, 0.5, 0.4, 0.3)

    def blast() -> Signal:
        flat = np.ones(round(length * sample_rate))
        both = glide(pitch * flat, sample_rate, reeds) + glide(1.26 * pitch * flat, sample_rate, reeds)
        return fade(both, sample_rate, 0.01, 0.05)

    onsets = (length + 0.18) * np.arange(blasts)
    return scatter(onsets, onsets[-1] + length, sample_rate, blast)


def whistle(rng: Rng, sample_rate: int) -> Signal:
    """Somebody whistles a few notes: nearly pure tones that slide, with a little breath."""
    notes = 440 * 2 ** ((rng.choice([12, 14, 16, 17, 19, 21, 24], int(rng.integers(3, 6)))) / 12)
    length = rng.uniform(0.3, 0.5)
    seconds = length * len(notes)
    time = clock(seconds, sample_rate)
    steps = np.interp(time, (np.arange(len(notes)) + 0.3) * length, notes)
    tone = glide(steps * (1 + 0.008 * np.sin(2 * np.pi * 6 * time)), sample_rate, (1, 0.04))
    gate = np.minimum(1, np.minimum(time % length, length - time % length) / 0.03) * 0.95 + 0.05
    return fade(
        tone * gate + 0.03 * band_noise(rng, seconds, sample_rate, 1000, 5000), sample_rate, 0.01, 0.05
    )


def music(rng: Rng, sample_rate: int, seconds: float | None = None) -> Signal:
    """Plucked chords with a bass note, a chord about every second.

    Args:
        rng: where the randomness comes from.
        sample_rate: in Hz.
        seconds: the duration; None draws one between 3 and 6 seconds.
    """
    length = rng.uniform(3, 6) if seconds is None else seconds
    key = 130.8 * 2 ** (rng.integers(0, 12) / 12)
    beat = rng.uniform(0.7, 1.1)

    @cache
    def note(step: int) -> Signal:
        pitch = key * 2 ** (step / 12)
        partials = [(pitch * order, 2.6 / order**0.5, 0.9 ** (order * 2) / order) for order in range(1, 6)]
        return struck(rng, 2.2, sample_rate, partials)

    def chord() -> Signal:
        steps = iter((-12, *_CHORDS[rng.integers(len(_CHORDS))]))
        return scatter(0.02 * np.arange(5), 2.2, sample_rate, lambda: note(next(steps)))

    tune = scatter(regular_onsets(rng, length - 0.6, beat, 0.01), length, sample_rate, chord)
    return fade(tune, sample_rate, 0.003, 0.5)
