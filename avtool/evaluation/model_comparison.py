"""Comparison of models of one recipe: accuracies over seeds and clips, and which differences are real.

The paired bootstrap draws seeds of each model, and clips (whole recordings, where they are known) of all
models together, so that an interval has the spread of both. Differences of all pairs are tested by the same
draws, and their p-values are corrected for the number of pairs (Benjamini and Yekutieli, 2001: false
discovery rate under any dependence). Few seeds make the intervals a little narrow.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from avtool.core.arrays import Bools, Floats
from avtool.core.errors import BadInputError
from avtool.evaluation.metrics.intervals import Interval

_BATCH = 500  # draws at a time


@dataclass(frozen=True)
class ModelAccuracy:
    """The accuracy of a model, from 0 to 1.

    Attributes:
        name: of the model.
        seeds: accuracy of each seed.
        interval: mean over seeds and clips, with its bootstrap interval.
    """

    name: str
    seeds: tuple[float, ...]
    interval: Interval


@dataclass(frozen=True)
class Difference:
    """The difference of the accuracies of two models over the same clips.

    Attributes:
        better, worse: names; of equal ones in their order.
        interval: better minus worse, with its paired bootstrap interval.
        p: of no difference, from the same draws.
        corrected: p, corrected for the number of pairs.
        is_real: whether `corrected` is below one minus the level.
    """

    better: str
    worse: str
    interval: Interval
    p: float
    corrected: float
    is_real: bool


@dataclass(frozen=True)
class Comparison:
    """Models over the same clips, the best first, and the differences of all pairs, the surest first."""

    models: Sequence[ModelAccuracy]
    differences: Sequence[Difference]
    level: float
    draws: int

    @property
    def real(self) -> list[Difference]:
        """The differences that hold after the correction."""
        return [one for one in self.differences if one.is_real]


def compare_models(
    right: Mapping[str, Bools],
    groups: Sequence[Hashable],
    *,
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compares models that were scored on the same clips.

    Args:
        right: name → (seeds, clips) whether each seed's model names each clip's class; a model without
            randomness has one row.
        groups: (clips,) the recording of each clip; whole recordings are drawn.
        level: of confidence.
        draws: of the bootstrap.
        seed: of the draws.

    Raises:
        BadInputError: there is no model, or the models were scored on different numbers of clips.
    """
    if not right or any(array.ndim != 2 or array.shape[1] != len(groups) for array in right.values()):
        raise BadInputError("the models were not scored on the same clips", "score all of them again")
    drawn = _draws(right, groups, draws, seed)
    means = {name: float(array.mean()) for name, array in right.items()}
    order = sorted(means, key=lambda name: -means[name])
    models = [
        ModelAccuracy(
            name,
            tuple(float(value) for value in right[name].mean(axis=1)),
            _interval(means[name], drawn[name], level),
        )
        for name in order
    ]
    pairs = list(combinations(order, 2))
    ps = [_p_value(drawn[one] - drawn[other]) for one, other in pairs]
    differences = [
        Difference(
            one,
            other,
            _interval(means[one] - means[other], drawn[one] - drawn[other], level),
            p,
            corrected,
            corrected < 1 - level,
        )
        for (one, other), p, corrected in zip(pairs, ps, _corrected(ps), strict=True)
    ]
    return Comparison(models, sorted(differences, key=lambda one: one.p), level, draws)


def _draws(
    right: Mapping[str, Bools], groups: Sequence[Hashable], draws: int, seed: int
) -> dict[str, Floats]:
    """The accuracy of each model in each draw of groups, common to all models, and of seeds of its own."""
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    member = np.zeros((len(groups), len(numbers)))
    member[np.arange(len(groups)), [numbers[group] for group in groups]] = 1
    hits = {name: array.astype(np.float64) @ member for name, array in right.items()}  # (seeds, groups)
    sizes = member.sum(axis=0)
    generator = np.random.default_rng(seed)
    parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in right}
    for begin in range(0, draws, _BATCH):
        count = min(_BATCH, draws - begin)
        clips = generator.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=count)
        total = clips @ sizes
        for name, counts in hits.items():
            seeds = generator.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=count)
            parts[name].append((seeds * (clips @ counts.T)).sum(axis=1) / (len(counts) * total))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _interval(value: float, draws: Floats, level: float) -> Interval:
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(value, float(low), float(high))


def _p_value(differences: Floats) -> float:
    """Two-sided: twice the smaller share of draws on one side of no difference."""
    below, above = int((differences <= 0).sum()), int((differences >= 0).sum())
    return min(1.0, 2 * (1 + min(below, above)) / (1 + len(differences)))


def _corrected(ps: Sequence[float]) -> list[float]:
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(ps, method="by")] if ps else []
