"""Splits a dataset into train, val and test by film: no film, and so no voice or room, is in two of them."""

import random
from collections.abc import Mapping, Sequence

from avtool.core.errors import BadInputError

SPLIT_NAMES = ("train", "val", "test")
NUM_DRAWS = 64  # random splits looked at; the one whose numbers of events fit the ratios best is taken


def split_films(
    events_per_film: Mapping[str, int], ratios: Sequence[float] | None, seed: int = 0
) -> dict[str, str]:
    """Gives every film a split.

    The number of films in each split follows the ratios (largest remainder, at least one film each). Which
    films these are is random by seed, but among a few draws the one is taken that also comes nearest to the
    ratios in numbers of events. The result depends on the films, their counts and the seed only, not on
    their order.

    Args:
        events_per_film: film id → number of its events.
        ratios: shares of train, val and test; 0 leaves a split out; None puts every film into train.
        seed: of the draws.

    Returns:
        Film id → "train", "val" or "test", by film id.

    Raises:
        BadInputError: there are fewer films than splits.
    """
    films = sorted(events_per_film)
    if ratios is None:
        return dict.fromkeys(films, SPLIT_NAMES[0])
    assert len(ratios) == len(SPLIT_NAMES), ratios
    assert min(ratios) >= 0, ratios
    assert sum(ratios) > 0, ratios
    shares = [ratio / sum(ratios) for ratio in ratios]
    num_splits = sum(share > 0 for share in shares)
    if len(films) < num_splits:
        have = f"{len(films)} film{'s' if len(films) != 1 else ''}"
        message = f"{have} cannot be split into {num_splits} parts: a film is never cut in two"
        raise BadInputError(message, "add films, or give --split none")
    sizes = _sizes(len(films), shares)
    generator = random.Random(seed)
    draws = [generator.sample(films, len(films)) for _ in range(NUM_DRAWS)]
    best = min(draws, key=lambda draw: _imbalance(draw, sizes, shares, events_per_film))
    names = [name for name, size in zip(SPLIT_NAMES, sizes, strict=True) for _ in range(size)]
    return dict(sorted(zip(best, names, strict=True)))


def _sizes(num_films: int, shares: Sequence[float]) -> list[int]:
    """Numbers of films by largest remainder; a split with a share gets at least one film."""
    wanted = [num_films * share for share in shares]
    sizes = [max(int(number), int(number > 0)) for number in wanted]
    while sum(sizes) < num_films:
        sizes[max(range(len(sizes)), key=lambda n: (wanted[n] - sizes[n], -n))] += 1
    while sum(sizes) > num_films:
        sizes[max(range(len(sizes)), key=lambda n: (sizes[n] > 1, sizes[n] - wanted[n]))] -= 1
    return sizes


def _imbalance(
    draw: Sequence[str], sizes: Sequence[int], shares: Sequence[float], events: Mapping[str, int]
) -> float:
    """How far the shares of events are from those wanted, 0 to 2."""
    total = max(1, sum(events.values()))
    distance, start = 0.0, 0
    for size, share in zip(sizes, shares, strict=True):
        distance += abs(sum(events[film] for film in draw[start : start + size]) / total - share)
        start += size
    return distance
