"""Distances of subsets: the same clips each time, all of them at last, and a line in 1 / N."""

import numpy as np
import pytest

from avtool.benchmarks.video_distance.subsets import (
    as_metrics,
    extrapolated_distance,
    spread_table,
    subset_distances,
)
from avtool.evaluation.metrics.frechet import FeatureMoments, energy_distance, frechet_distance

RNG = np.random.default_rng(0)
SIDES = [RNG.standard_normal((128, 5)).astype(np.float32) for _ in range(2)]


def test_subsets_end_with_all_clips() -> None:
    found = subset_distances(*SIDES, 3, 7, even=True)
    assert [(one.kind, one.count, len(one.frechet)) for one in found] == [
        ("random", 32, 3), ("even", 32, 3), ("random", 64, 3), ("even", 64, 2), ("random", 128, 1),
        ("even", 128, 1),
    ]  # fmt: skip
    whole = frechet_distance(*map(FeatureMoments.of, SIDES)), energy_distance(*SIDES)
    for one in found[-2:]:
        assert (one.frechet[0], one.energy[0]) == pytest.approx(whole, rel=1e-9)
    assert subset_distances(*SIDES, 3, 7, even=True) == found
    assert {one.kind for one in subset_distances(*SIDES, 3, 7, even=False)} == {"random"}
    metrics = as_metrics(found, "FVD16")
    assert metrics["subsets"]["even"]["64"]["distance"] == found[3].frechet
    assert [point[0] for point in metrics["curves"]["lines"][1]["points"]] == [32, 64, 128]
    assert [row[:3] for row in spread_table(found).rows][3] == [64, "even", 2]


def test_even_subsets_lie_between_each_other() -> None:
    """A feature that is the clip's number: even subsets differ in the mean by half of their spacing."""
    numbers = np.stack([np.arange(128.0), np.zeros(128)], axis=1).astype(np.float32)
    found = [one for one in subset_distances(numbers, numbers, 2, 0, even=True) if one.kind == "even"]
    assert found[0].count == 32
    assert found[0].frechet == pytest.approx((4, 4), rel=1e-6)
    assert found[2].frechet[0] == pytest.approx(0, abs=1e-6)


def test_the_extrapolated_distance_of_many_samples_is_that_of_their_distributions() -> None:
    rng = np.random.default_rng(1)
    one = rng.standard_normal((4000, 20))
    other = rng.standard_normal((4000, 20)) + 0.3
    value = extrapolated_distance(one.astype(np.float32), other.astype(np.float32), 0)
    assert value == pytest.approx(20 * 0.09, abs=0.08)
    few = (one[:400].astype(np.float32), other[:400].astype(np.float32))
    biased = frechet_distance(*map(FeatureMoments.of, few))
    assert abs(extrapolated_distance(*few, 0) - 1.8) < abs(biased - 1.8)
