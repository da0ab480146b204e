"""Synthetic sounds of weather, fire, water and machines."""

import numpy as np

from avtool.synthetic.synthesis import (
    Rng,
    Signal,
    band_noise,
    clock,
    decay,
    fade,
    glide,
    random_onsets,
    scatter,
    struck,
    wander,
)


def rain(rng: Rng, sample_rate: int) -> Signal:
    """Steady hiss with many fine drops on top."""
    seconds = rng.uniform(2.5, 5.0)
    drops = [struck(rng, 0.03, sample_rate, [(f, 0.02, 1.0)]) for f in rng.uniform(2000, 6500, 16)]
    onsets = random_onsets(rng, seconds, rng.uniform(90, 200))
    patter = scatter(onsets, seconds, sample_rate, lambda: drops[rng.integers(16)] * rng.uniform(0.1, 1))
    hiss = band_noise(rng, seconds, sample_rate, rng.uniform(700, 1300), 7500)
    return fade(0.35 * hiss + patter, sample_rate, 0.01, 0.3)


def wind(rng: Rng, sample_rate: int) -> Signal:
    """Low rushing air in gusts, with a howl that follows them."""
    seconds = rng.uniform(3.0, 5.0)
    gusts = wander(rng, seconds, sample_rate, 0.9, 0.6)
    air = band_noise(rng, seconds, sample_rate, 90, 500, -4)
    breath = band_noise(rng, seconds, sample_rate, 2.0, 12.0)
    howl = glide(rng.uniform(330, 480) * gusts**0.5, sample_rate) * (1 + 0.3 * breath) * gusts**2
    return fade(air * gusts + 0.35 * howl, sample_rate, 0.02, 0.4)


def thunderstorm(rng: Rng, sample_rate: int) -> Signal:
    """A crack, then rolls of very low noise that die away."""
    seconds = rng.uniform(2.5, 4.5)
    time = clock(seconds, sample_rate)
    rolls = wander(rng, seconds, sample_rate, 3.0, 0.8) * np.exp(-3.2 * time / seconds)
    rumble = band_noise(rng, seconds, sample_rate, 30, 160, -3) * rolls
    crack = band_noise(rng, seconds, sample_rate, 150, 2500, -3) * decay(seconds, sample_rate, 0.5, 0.004)
    return fade(rumble + 0.8 * crack, sample_rate, 0.004, 0.4)


def sea_waves(rng: Rng, sample_rate: int) -> Signal:
    """Surf: broad noise that breaks and draws back every few seconds."""
    seconds = rng.uniform(3.5, 5.5)
    time = clock(seconds, sample_rate)
    period = rng.uniform(2.0, 3.0)
    swell = 0.25 + 0.75 * np.exp(-(((time % period) - 0.35 * period) ** 2) / (0.1 * period**2))
    low = band_noise(rng, seconds, sample_rate, 150, 1200, -2)
    spray = band_noise(rng, seconds, sample_rate, 1500, 6500)
    return fade(low * swell + 0.5 * spray * swell**3, sample_rate, 0.02, 0.4)


def crackling_fire(rng: Rng, sample_rate: int) -> Signal:
    """Sharp irregular snaps over a soft low roar."""
    seconds = rng.uniform(2.5, 4.5)

    def snap() -> Signal:
        loudness = float(rng.pareto(2.0) + 0.2) ** 0.7  # many small ones, a few that startle
        crack = band_noise(rng, 0.03, sample_rate, 1500, 7000) * decay(0.03, sample_rate, 0.02, 0.0005)
        return np.asarray(loudness * crack)

    snaps = scatter(random_onsets(rng, seconds, rng.uniform(14, 26)), seconds, sample_rate, snap)
    roar = band_noise(rng, seconds, sample_rate, 60, 350, -3) * wander(rng, seconds, sample_rate, 5, 0.5)
    return fade(np.clip(snaps, -4, 4) + 0.25 * roar, sample_rate, 0.003, 0.2)


def engine(rng: Rng, sample_rate: int) -> Signal:
    """A car engine that starts, revs up once or twice and idles."""
    seconds = rng.uniform(2.5, 4.5)
    time = clock(seconds, sample_rate)
    revs = 1 + rng.uniform(0.5, 1.2) * np.sin(np.pi * time / seconds * rng.integers(1, 3)) ** 2
    speed = rng.uniform(38, 55) * revs * wander(rng, seconds, sample_rate, 9, 0.03)
    buzz = glide(speed, sample_rate, [0.9**order for order in range(30)])
    rush = band_noise(rng, seconds, sample_rate, 100, 900, -2)
    return fade((0.4 * buzz + 0.5 * rush) * revs, sample_rate, 0.02, 0.3)


def helicopter(rng: Rng, sample_rate: int) -> Signal:
    """Rotor blades: puffs of low noise a dozen times a second and a turbine's whine."""
    seconds = rng.uniform(2.5, 4.5)
    time = clock(seconds, sample_rate)
    blades = rng.uniform(10, 15)
    chop = np.exp(-9 * ((time * blades) % 1))
    air = band_noise(rng, seconds, sample_rate, 60, 1100, -2)
    whine = glide(np.full_like(time, rng.uniform(2200, 3200)), sample_rate, (1, 0.3))
    return fade(air * (0.12 + chop) + 0.02 * whine, sample_rate, 0.01, 0.3)


def chainsaw(rng: Rng, sample_rate: int) -> Signal:
    """A two-stroke motor at full speed that labours in the wood: a harsh, dense buzz."""
    seconds = rng.uniform(2.0, 4.0)
    load = wander(rng, seconds, sample_rate, 1.5, 0.18)
    buzz = glide(rng.uniform(105, 150) * load, sample_rate, [0.97**order for order in range(48)])
    teeth = band_noise(rng, seconds, sample_rate, 2000, 7000) * (1 + np.sign(buzz)) / 2
    return fade(np.tanh(0.4 * buzz) + 0.35 * teeth, sample_rate, 0.01, 0.15)
