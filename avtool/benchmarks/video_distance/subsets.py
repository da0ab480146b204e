"""Terms of a distance, and distances of random subsets, which show how much few clips lift them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from avtool.evaluation.metrics.frechet import FeatureMoments, frechet_distance
from avtool.evaluation.report import Table, mean_entry

_FEWEST = 32
"""Clips of the smallest subsets; the next ones have twice as many."""


def subset_distances(
    real: NDArray[np.float32], generated: NDArray[np.float32], draws: int, seed: int
) -> dict[int, list[float]]:
    """Clips of each side → Fréchet distances, one a draw.

    The subsets of a side follow from its count, `draws` and `seed` alone, so that those of several baselines
    are the same clips.

    Args:
        real: (N, D).
        generated: (M, D).
        draws: subsets of each count.
        seed: of the subsets.
    """
    found: dict[int, list[float]] = {}
    count = _FEWEST
    while count < min(len(real), len(generated)):
        rng = np.random.default_rng([seed, 3, count])
        found[count] = []
        for _ in range(draws):
            picked = [side[rng.permutation(len(side))[:count]] for side in (real, generated)]
            found[count].append(frechet_distance(*map(FeatureMoments.of, picked)))
        count *= 2
    return found


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


def spread_table(found: Mapping[int, Sequence[float]]) -> Table:
    """Mean ± standard deviation of each count."""
    rows = [[count, len(values), mean_entry(values)] for count, values in found.items()]
    return Table("Distances of fewer clips", ["clips of each side", "draws", "distance"], rows)
