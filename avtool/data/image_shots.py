"""Few-shot draws and class splits of CoOp's protocols (Zhou et al., 2022), bit for bit."""

import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

ClassSplit = Literal["all", "base", "new"]
_VAL_SHOTS = 4


@dataclass(frozen=True)
class Draw:
    """Places of drawn samples.

    Attributes:
        train: of the training samples, class by class in the order of their first appearance.
        val: likewise of the validation samples.
        short: classes with fewer training samples than were wanted, and how many they have.
    """

    train: list[int]
    val: list[int]
    short: dict[Hashable, int]


def draw_shots(train: Sequence[Hashable], val: Sequence[Hashable], shots: int, seed: int) -> Draw:
    """Draws samples of each class: `shots` to train on, and of them at most four to validate on.

    A generator of its own, seeded once, draws first from the training samples and then from the validation
    samples; it is the draw of the published code, where `random` has been seeded with the same number.

    Args:
        train: the label of each training sample, in the split's order.
        val: likewise of the validation samples; may be empty.
        shots: samples a class; 0 takes all.
        seed: of the draw.
    """
    if not shots:
        return Draw(list(range(len(train))), list(range(len(val))), {})
    generator = random.Random(seed)
    short = {label: len(places) for label, places in _by_label(train).items() if len(places) < shots}
    return Draw(_sample(train, shots, generator), _sample(val, min(shots, _VAL_SHOTS), generator), short)


def class_split(count: int, which: ClassSplit) -> range:
    """The classes of a split, by number: the first half, rounded up, is base and the rest new."""
    half = -(-count // 2)
    return {"all": range(count), "base": range(half), "new": range(half, count)}[which]


def shots_of(count: int) -> str:
    """A number of shots for people; 0 takes all images."""
    return f"{count} shot" if count == 1 else f"{count} shots" if count else "all images"


def harmonic_mean(base: float, new: float) -> float:
    """H = 2 BN / (B + N) of the accuracies of base and new classes; 0 where both are 0."""
    return 2 * base * new / (base + new) if base + new else 0.0


def _by_label(labels: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    places: dict[Hashable, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    return places


def _sample(labels: Sequence[Hashable], count: int, generator: random.Random) -> list[int]:
    return [
        place
        for places in _by_label(labels).values()
        for place in (generator.sample(places, count) if len(places) >= count else places)
    ]
