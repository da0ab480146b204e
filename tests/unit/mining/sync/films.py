"""Films whose speech is known exactly, and captions displaced by a known map."""

import numpy as np

from avtool.mining.sync.correlate import activity
from avtool.mining.sync.search import RATIOS


def random_cues(minutes, rng):
    """Cues of 0.7 to 5 s with pauses of 0.1 to 12 s: (starts, ends) in film time."""
    count = int(minutes * 60 / 4)
    pauses = np.where(rng.random(count) < 0.5, rng.uniform(0.1, 1.0, count), rng.exponential(3.0, count))
    lengths = np.clip(rng.lognormal(0.6, 0.5, count), 0.7, 5.0)
    ends = 10.0 + np.cumsum(pauses + lengths)
    starts = ends - lengths
    inside = ends < minutes * 60 - 5
    return starts[inside], ends[inside]


def exact_speech(starts, ends, minutes):
    """The speech signal of a perfect detector, with its edges blurred to whole frames."""
    return activity(starts * 100, ends * 100, int(minutes * 6000))


def captions_of(starts, ends, ratio, offset):
    """Caption times that `ratio` and `offset` bring back."""
    return (starts - offset) / ratio, (ends - offset) / ratio


def random_map(rng, drift=0.003, max_offset=120.0):
    """A ratio near one of the frame-rate ratios, and an offset."""
    return float(rng.choice(RATIOS)) * (1 + rng.uniform(-drift, drift)), rng.uniform(-max_offset, max_offset)
