"""Terms of a distance, and distances of subsets, which show how much few clips lift them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, pstdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.evaluation.metrics.frechet import FeatureMoments, energy_distance, frechet_distance
from avtool.evaluation.report import Table

_FEWEST = 32
"""Clips of the smallest subsets; the next ones have twice as many."""
_COUNTS = 15
"""Of subsets that a line is fitted to, as by Chong and Forsyth."""
Features = NDArray[np.float32]


@dataclass(frozen=True)
class SubsetDistances:
    """Distances of subsets of one kind and count.

    Attributes:
        kind: random or even.
        count: clips of each side.
        frechet: Fréchet distances, one a draw.
        energy: energy distances, one a draw.
    """

    kind: str
    count: int
    frechet: tuple[float, ...]
    energy: tuple[float, ...]


def subset_distances(
    real: Features, generated: Features, draws: int, seed: int, *, even: bool
) -> list[SubsetDistances]:
    """Distances of 32, 64, … clips of each side, up to all of them.

    The subsets follow from the counts, `draws` and `seed` alone, so that those of several baselines are the
    same clips.

    Args:
        real: (N, D).
        generated: (M, D).
        draws: subsets of each count at most.
        seed: of the random ones.
        even: whether clips are in the order of a video, so that evenly spaced subsets mean something.
    """
    found = []
    count, most = _FEWEST, min(len(real), len(generated))
    while count <= most:
        kinds = {"random": _random_pairs(len(real), len(generated), count, draws, seed)}
        if even:
            kinds["even"] = _even_pairs(len(real), len(generated), count, draws)
        for kind, pairs in kinds.items():
            sides = [(real[one], generated[other]) for one, other in pairs]
            frechet = tuple(frechet_distance(*map(FeatureMoments.of, pair)) for pair in sides)
            found.append(
                SubsetDistances(kind, count, frechet, tuple(energy_distance(*pair) for pair in sides))
            )
        count *= 2
    return found


def _random_pairs(real: int, generated: int, count: int, draws: int, seed: int) -> Iterator[tuple[Any, Any]]:
    rng = np.random.default_rng([seed, 3, count])
    for _ in range(1 if count == real == generated else draws):
        yield rng.permutation(real)[:count], rng.permutation(generated)[:count]


def _even_pairs(real: int, generated: int, count: int, draws: int) -> Iterator[tuple[Any, Any]]:
    """Every k-th clip from different ones on; those of one side lie between those of the other."""
    starts = min(draws, min(real, generated) // count)
    for draw in range(starts):
        shifts = draw / starts, (draw / starts + 0.5) % 1
        yield tuple(  # type: ignore[misc]
            ((np.arange(count) + shift) * side / count).astype(int)
            for shift, side in zip(shifts, (real, generated), strict=True)
        )


def extrapolated_distance(real: Features, generated: Features, seed: int) -> float:
    """The Fréchet distance of infinitely many clips, where it is linear in 1 / N (Chong and Forsyth, 2020).

    A line through the distances of random subsets, from half of the clips to all. The distance is linear only
    where N is much larger than the number of features.

    Args:
        real: (N, D).
        generated: (M, D).
        seed: of the subsets.
    """
    most = min(len(real), len(generated))
    rng = np.random.default_rng([seed, 4])
    inverse, distances = np.linspace(1 / most, 2 / most, _COUNTS), []
    for count in (1 / inverse).round().astype(int):
        picked = (side[rng.permutation(len(side))[:count]] for side in (real, generated))
        distances.append(frechet_distance(*map(FeatureMoments.of, picked)))
    return float(np.polynomial.Polynomial.fit(inverse, distances, 1).convert().coef[0])


def distance_terms(real: FeatureMoments, generated: FeatureMoments) -> dict[str, float]:
    """What a Fréchet distance consists of: ‖μ₁ - μ₂‖², and the traces of both covariances.

    Of few clips the traces are nearly all of it: their covariances share few directions.
    """
    difference = real.mean - generated.mean
    return {
        "means": float(difference @ difference),
        "real_variance": float(np.trace(real.covariance)),
        "generated_variance": float(np.trace(generated.covariance)),
    }


def as_metrics(found: Sequence[SubsetDistances], label: str) -> dict[str, Any]:
    """All distances by kind and count, and what a report draws of them.

    Args:
        found: of all kinds and counts.
        label: of the distance.
    """
    kinds = list(dict.fromkeys(one.kind for one in found))
    subsets: Mapping[str, Any] = {
        kind: {
            str(one.count): {"distance": one.frechet, "energy_distance": one.energy}
            for one in found
            if one.kind == kind
        }
        for kind in kinds
    }
    lines = [
        {"name": f"{kind} subsets", "points": [_point(one) for one in found if one.kind == kind]}
        for kind in kinds
    ]
    return {"subsets": subsets, "curves": {"x": "clips of each side", "y": label, "lines": lines}}


def _point(found: SubsetDistances) -> list[float]:
    return [found.count, mean(found.frechet), min(found.frechet), max(found.frechet)]


def spread_table(found: Sequence[SubsetDistances]) -> Table:
    """Mean ± standard deviation of each kind and count."""
    rows = [
        [one.count, one.kind, len(one.frechet), _entry(one.frechet, 1), _entry(one.energy, 2)]
        for one in found
    ]
    columns = ["clips of each side", "subsets", "draws", "distance", "energy distance"]
    return Table("Distances of fewer clips", columns, rows)


def _entry(values: Sequence[float], digits: int) -> str:
    deviation = f" ± {pstdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{deviation}"
