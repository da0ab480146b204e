"""K-shot splits: K examples of each class to train on, K to validate on (LM-BFF §3)."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from avtool.core.errors import BadInputError

SEEDS = (13, 21, 42, 87, 100)
"""The seeds of the published splits."""


@dataclass(frozen=True)
class KShot:
    """Places of examples in their list.

    Attributes:
        train, dev: K of each class, the classes in the order in which they first come after shuffling.
        rest: all others, in that order too.
    """

    train: tuple[int, ...]
    dev: tuple[int, ...]
    rest: tuple[int, ...]


def draw_k_shot(labels: Sequence[Hashable], k: int, seed: int) -> KShot:
    """Draws a split as the published code does, bit for bit.

    Args:
        labels: the class of each example, of regression its half of the range.
        k: examples of each class in each part.
        seed: of NumPy's former global generator, with which the published splits were drawn.

    Raises:
        BadInputError: a class has fewer than 2 K examples.
    """
    return _dealt(labels, _shuffled(len(labels), seed), k)


def draw_grouped(labels: Sequence[Hashable], groups: Sequence[str], k: int, seed: int) -> KShot:
    """Draws a split whose rest has no group of its training and validation examples: sounds never seen.

    Groups come in random order: half of them, and more until every class has 2 K examples, are drawn from;
    the rest of the split are the other groups.

    Args:
        labels: the class of each example.
        groups: of each example; "" for one of its own.
        k: examples of each class in each part.
        seed: of the draw.

    Raises:
        BadInputError: a class has fewer than 2 K examples, or no group is left for the rest.
    """
    _check(labels, k)
    named = [group or f"\0{place}" for place, group in enumerate(groups)]
    members: dict[str, list[int]] = {}
    for place in _shuffled(len(labels), seed):
        members.setdefault(named[place], []).append(place)
    pool: list[int] = []
    counts = dict.fromkeys(labels, 0)
    rest: list[int] = []
    for number, places in enumerate(members.values()):
        if number < len(members) / 2 or min(counts.values()) < 2 * k:
            pool += places
            for place in places:
                counts[labels[place]] += 1
        else:
            rest += places
    if not rest:
        raise BadInputError(f"no group is left to test on with K = {k}", "choose a smaller --k")
    drawn = _dealt(labels, pool, k)
    return KShot(drawn.train, drawn.dev, tuple(rest))


def _shuffled(count: int, seed: int) -> list[int]:
    places = list(range(count))
    np.random.RandomState(seed).shuffle(places)  # with which the published ones were drawn
    return places


def _dealt(labels: Sequence[Hashable], places: Sequence[int], k: int) -> KShot:
    _check([labels[place] for place in places], k)
    by_class: dict[Hashable, list[int]] = {}
    for place in places:
        by_class.setdefault(labels[place], []).append(place)
    return KShot(
        tuple(place for found in by_class.values() for place in found[:k]),
        tuple(place for found in by_class.values() for place in found[k : 2 * k]),
        tuple(place for found in by_class.values() for place in found[2 * k :]),
    )


def _check(labels: Sequence[Hashable], k: int) -> None:
    counts: dict[Hashable, int] = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    rarest = min(counts, key=lambda label: counts[label])
    if counts[rarest] < 2 * k:
        message = f"class `{rarest}` has {counts[rarest]} examples, and K = {k} needs {2 * k}"
        largest = counts[rarest] // 2
        raise BadInputError(message, f"the largest K that works is {largest}" if largest else "add examples")
