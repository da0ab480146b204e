"""Uncertainty of metrics: bootstrap intervals over clips, and the spread over folds."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Floats, Ints


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FoldSummary:
    """Results of the folds of one cross-validation.

    Attributes:
        values: one a fold.
        mean: over folds.
        deviation: sample standard deviation over folds (n - 1); 0 for a single fold.
        interval: Student's t interval of the mean. Folds share training clips, so it is on the narrow side.
    """

    values: tuple[float, ...]
    mean: float
    deviation: float
    interval: Interval


def bootstrap_interval(
    statistic: Callable[[Ints], float],
    num_items: int,
    *,
    groups: Sequence[Hashable] | None = None,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Interval:
    """The percentile bootstrap: the statistic on samples of the items, drawn with replacement.

    Args:
        statistic: indices of items (some repeated) → a number; draws where it is NaN are skipped.
        num_items: how many items there are.
        groups: (num_items,) what an item was cut from; whole groups are drawn where given, since clips of
            one recording are no independent evidence.
        level: of confidence.
        draws: samples.
        seed: of the sampling.
    """
    assert 0 < level < 1, f"a confidence level lies between 0 and 1, not at {level}"
    assert num_items > 0, "there is nothing to draw from"
    draw = _sampler(groups, num_items)
    generator = np.random.default_rng(seed)
    values = [statistic(draw(generator)) for _ in range(draws)]
    tail = (1 - level) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return Interval(statistic(np.arange(num_items)), float(low), float(high))


def mean_interval(values: ArrayLike, groups: Sequence[Hashable] | None = None, seed: int = 0) -> Interval:
    """The bootstrap interval of a mean over clips, such as an accuracy from a 0 or 1 for each clip."""
    array: Floats = np.asarray(values, dtype=np.float64)
    return bootstrap_interval(
        lambda chosen: float(array[chosen].mean()), len(array), groups=groups, seed=seed
    )


def summarise_folds(values: Sequence[float], level: float = 0.95) -> FoldSummary:
    """Mean, standard deviation and t interval of the folds' results."""
    from scipy.stats import t

    assert values, "there is no fold"
    mean = float(np.mean(values))
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    half = 0.0
    if deviation:
        half = float(t.ppf((1 + level) / 2, len(values) - 1)) * deviation / float(np.sqrt(len(values)))
    return FoldSummary(tuple(values), mean, deviation, Interval(mean, mean - half, mean + half))


def _sampler(groups: Sequence[Hashable] | None, num_items: int) -> Callable[[np.random.Generator], Ints]:
    """A function that draws items, or the items of as many groups as there are, with replacement."""
    if groups is None:
        return lambda generator: generator.integers(num_items, size=num_items)
    assert len(groups) == num_items, f"{num_items} items, {len(groups)} groups"
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    group_of = np.array([numbers[group] for group in groups])
    order, sizes = np.argsort(group_of, kind="stable"), np.bincount(group_of)
    firsts = np.cumsum(sizes) - sizes

    def draw(generator: np.random.Generator) -> Ints:
        chosen = generator.integers(len(sizes), size=len(sizes))
        lengths = sizes[chosen]
        steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        items: Ints = order[np.repeat(firsts[chosen], lengths) + steps]
        return items

    return draw
