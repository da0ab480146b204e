"""Synthetic sounds of things that are struck, dropped, broken or fired."""

import numpy as np

from avtool.synthetic.synthesis import (
    Rng,
    Signal,
    band_noise,
    decay,
    random_onsets,
    regular_onsets,
    scatter,
    struck,
)


def door_slam(rng: Rng, sample_rate: int) -> Signal:
    """A low thump of the leaf, a click of the latch, a short room."""
    seconds = rng.uniform(0.7, 1.1)
    low = rng.uniform(60, 95)
    thump = struck(
        rng, seconds, sample_rate, [(low, 0.5, 1.0), (low * 2.3, 0.35, 0.7), (low * 4.1, 0.2, 0.4)]
    )
    crack = band_noise(rng, seconds, sample_rate, 200, 2500) * decay(seconds, sample_rate, 0.12)
    room = band_noise(rng, seconds, sample_rate, 80, 700) * decay(seconds, sample_rate, rng.uniform(0.5, 0.9))
    return thump + 0.6 * crack + 0.15 * room


def door_wood_knock(rng: Rng, sample_rate: int) -> Signal:
    """Two to five knuckle strikes on a wooden panel."""
    seconds = 0.3 + 0.2 * rng.integers(2, 6)
    panel = rng.uniform(180, 380)

    def knock() -> Signal:
        partials = [(panel, 0.12, 1.0), (panel * 2.7, 0.08, 0.6), (panel * 4.6, 0.05, 0.3)]
        click = band_noise(rng, 0.2, sample_rate, 500, 3000) * decay(0.2, sample_rate, 0.03, 0.001)
        return (struck(rng, 0.2, sample_rate, partials) + 0.4 * click) * rng.uniform(0.8, 1.0)

    onsets = regular_onsets(rng, seconds - 0.25, rng.uniform(0.17, 0.24), 0.03)
    return scatter(onsets, seconds, sample_rate, knock)


def gunshot(rng: Rng, sample_rate: int) -> Signal:
    """One to three shots: a full-band crack and a long falling tail."""
    count = int(rng.choice([1, 1, 2, 3]))
    gap = rng.uniform(0.35, 0.6)
    seconds = 0.9 + gap * (count - 1)

    def shot() -> Signal:
        crack = band_noise(rng, 0.9, sample_rate, 300, 7500) * decay(0.9, sample_rate, 0.09, 0.0005)
        tail = band_noise(rng, 0.9, sample_rate, 90, 900, -3) * decay(0.9, sample_rate, 0.8)
        return crack + 0.35 * tail

    return scatter(gap * np.arange(count), seconds, sample_rate, shot)


def glass_breaking(rng: Rng, sample_rate: int) -> Signal:
    """A hiss of impact, then shards that ring high and die away."""
    seconds = rng.uniform(0.9, 1.4)

    def shard() -> Signal:
        partials = [(f, rng.uniform(0.05, 0.3), rng.uniform(0.2, 1)) for f in rng.uniform(2800, 7200, 4)]
        return struck(rng, 0.35, sample_rate, partials) * rng.uniform(0.2, 1)

    shards = np.concatenate([[0.0], rng.exponential(0.22, 30)])
    impact = band_noise(rng, seconds, sample_rate, 2500, 7500) * decay(seconds, sample_rate, 0.25, 0.001)
    return scatter(shards, seconds, sample_rate, shard) + 1.2 * impact


def footsteps(rng: Rng, sample_rate: int) -> Signal:
    """A walk on a hard floor: heel and sole, twice a second."""
    seconds = rng.uniform(2.0, 4.0)
    heel = rng.uniform(110, 190)

    def step() -> Signal:
        thud = struck(rng, 0.25, sample_rate, [(heel, 0.1, 1.0), (heel * 2.2, 0.06, 0.5)])
        scrape = band_noise(rng, 0.25, sample_rate, 900, 4000) * decay(0.25, sample_rate, 0.12, 0.01)
        return (thud + 0.12 * np.roll(scrape, round(0.04 * sample_rate))) * rng.uniform(0.7, 1)

    return scatter(
        regular_onsets(rng, seconds - 0.25, rng.uniform(0.45, 0.62), 0.04), seconds, sample_rate, step
    )


def clapping(rng: Rng, sample_rate: int) -> Signal:
    """Applause: very many hand claps, each pair of hands at its own pitch."""
    seconds = rng.uniform(2.0, 4.0)
    claps = [
        band_noise(rng, 0.05, sample_rate, f, f * 2.2) * decay(0.05, sample_rate, 0.04, 0.001)
        for f in rng.uniform(800, 1900, 24)
    ]
    onsets = random_onsets(rng, seconds - 0.1, rng.uniform(70, 130))
    mix = scatter(onsets, seconds, sample_rate, lambda: claps[rng.integers(24)] * rng.uniform(0.2, 1))
    return mix * np.minimum(1, np.linspace(6, 0, len(mix)))


def keyboard_typing(rng: Rng, sample_rate: int) -> Signal:
    """Key clicks in bursts of words: a sharp down-click and a duller release."""
    seconds = rng.uniform(1.8, 3.5)
    plastic = rng.uniform(2200, 3300)

    def key() -> Signal:
        click = struck(rng, 0.09, sample_rate, [(plastic, 0.02, 1.0), (plastic * 1.7, 0.015, 0.7)])
        body = band_noise(rng, 0.09, sample_rate, 1500, 6500) * decay(0.09, sample_rate, 0.02, 0.0008)
        release = np.roll(body, round(0.06 * sample_rate))
        return (click + 0.5 * body + 0.25 * release) * rng.uniform(0.4, 1)

    onsets = regular_onsets(rng, seconds - 0.1, rng.uniform(0.09, 0.14), 0.35)
    words = onsets[(onsets == 0) | (rng.uniform(size=len(onsets)) > 0.12)]
    return scatter(words, seconds, sample_rate, key)


def clock_tick(rng: Rng, sample_rate: int) -> Signal:
    """Tick, tock: two short high clicks a second, one a little lower."""
    seconds = rng.uniform(2.5, 4.0)
    pitch = rng.uniform(3400, 4600)
    turn = [1.0, 0.8]

    def tick() -> Signal:
        turn.reverse()
        partials = [(pitch * turn[0], 0.035, 1.0), (pitch * turn[0] * 1.43, 0.02, 0.5), (700.0, 0.02, 0.25)]
        return struck(rng, 0.08, sample_rate, partials)

    return scatter(regular_onsets(rng, seconds - 0.1, 0.5, 0.004), seconds, sample_rate, tick)


def water_drops(rng: Rng, sample_rate: int) -> Signal:
    """Drops into still water: short tones that rise as the bubble shrinks."""
    seconds = rng.uniform(1.8, 3.5)

    def drop() -> Signal:
        start = rng.uniform(600, 1300)
        time = np.arange(round(0.12 * sample_rate)) / sample_rate
        phase = 2 * np.pi * (start * time + start * 5.0 * time**2)
        return np.sin(phase) * decay(0.12, sample_rate, 0.11, 0.003) * rng.uniform(0.6, 1)

    onsets = regular_onsets(rng, seconds - 0.15, rng.uniform(0.3, 0.7), 0.2)
    return scatter(onsets, seconds, sample_rate, drop)
