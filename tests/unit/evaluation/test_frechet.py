"""Fréchet distance, energy distance, inception score and PSNR in closed form."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from avtool.evaluation.metrics.frechet import FeatureMoments, energy_distance, frechet_distance
from avtool.evaluation.metrics.generation import inception_score, psnr

RNG = np.random.default_rng(0)
MIXED = RNG.standard_normal((600, 400)) @ RNG.standard_normal((400, 400)) / 20 + RNG.standard_normal(400)
"""Correlated features of full rank."""
FULL = FeatureMoments.of(MIXED)


@pytest.mark.parametrize("count", [600, 32])
def test_equal_sets_have_no_distance(count: int) -> None:
    moments = FeatureMoments.of(MIXED[:count])
    assert abs(frechet_distance(moments, moments)) < 1e-6 * np.trace(moments.covariance)
    assert moments.is_deficient == (count == 32)


def test_a_shift_counts_by_its_square() -> None:
    assert frechet_distance(FULL, FeatureMoments.of(MIXED + 0.5)) == pytest.approx(100, abs=2e-5)


@pytest.mark.parametrize("factor", [0.5, 1.7])
def test_scaling_in_closed_form(factor: float) -> None:
    expected = (factor - 1) ** 2 * (np.trace(FULL.covariance) + FULL.mean @ FULL.mean)
    assert frechet_distance(FULL, FeatureMoments.of(factor * MIXED)) == pytest.approx(expected, rel=1e-9)


def test_independent_gaussians_in_closed_form() -> None:
    one, other = RNG.uniform(0.1, 4, 30), RNG.uniform(0.1, 4, 30)
    means = RNG.standard_normal((2, 30))
    moments = [FeatureMoments(mean, np.diag(var), 99) for mean, var in zip(means, (one, other), strict=True)]
    expected = np.square(means[0] - means[1]).sum() + np.square(np.sqrt(one) - np.sqrt(other)).sum()
    assert frechet_distance(*moments) == pytest.approx(expected, rel=1e-10)


def test_it_is_the_distance_by_the_root_of_the_product() -> None:
    other = FeatureMoments.of(RNG.standard_normal((700, 400)) * RNG.uniform(0.2, 2, 400))
    root = scipy.linalg.sqrtm(FULL.covariance @ other.covariance)
    traces = np.trace(FULL.covariance + other.covariance - 2 * root.real)
    expected = np.square(FULL.mean - other.mean).sum() + traces
    assert frechet_distance(FULL, other) == pytest.approx(expected, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 12), st.integers(0, 99))
def test_it_is_symmetric_and_not_negative_for_any_counts(one: int, other: int, dim: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (FeatureMoments.of(rng.standard_normal((count, dim)) + 1) for count in (one, other))
    forth, back = frechet_distance(first, second), frechet_distance(second, first)
    assert forth == pytest.approx(back, rel=1e-6, abs=1e-6)
    assert forth > -1e-6


def test_few_samples_lift_the_distance() -> None:
    """Two sets of one population: the distance falls with their size."""
    halves = [
        frechet_distance(FeatureMoments.of(MIXED[:n]), FeatureMoments.of(MIXED[-n:])) for n in (32, 100, 300)
    ]
    assert halves[0] > 1.4 * halves[1] > 2 * halves[2] > 0


def test_energy_distance_of_points_in_closed_form() -> None:
    assert energy_distance([[0.0], [2.0]], [[5.0], [7.0]]) == pytest.approx(2 * 5 - 2 - 2)
    rng = np.random.default_rng(3)
    one, other = rng.standard_normal((300, 5)), rng.standard_normal((300, 5))
    assert abs(energy_distance(one, other)) < 0.05 < energy_distance(one, other + 1)


@pytest.mark.parametrize("classes", [4, 10])
def test_inception_scores_at_both_ends(classes: int) -> None:
    sure = np.tile(np.eye(classes) * 1000, (20, 1))
    assert inception_score(np.zeros((50, classes))) == (pytest.approx(1), pytest.approx(0))
    assert inception_score(sure, splits=1) == (pytest.approx(classes), 0)
    assert inception_score(sure[::classes], splits=1)[0] == pytest.approx(1)


def test_the_inception_score_of_two_classes_in_closed_form() -> None:
    p = np.array([0.9, 0.1])
    logits = np.log(np.stack([p, p[::-1]]))
    divergence = (p * np.log(p / 0.5)).sum()
    assert inception_score(logits, splits=1)[0] == pytest.approx(np.exp(divergence))


def test_psnr_in_closed_form() -> None:
    videos = np.full((3, 2, 4, 4, 3), 0.5)
    off = videos + np.array([0.1, 0.01, 0.0]).reshape(3, 1, 1, 1, 1)
    assert psnr(videos, off).tolist() == [pytest.approx(20), pytest.approx(40), np.inf]
    whole = np.zeros((1, 2, 2, 3), np.uint8)
    assert psnr(whole, whole + 255).tolist() == [0.0]
    assert psnr(whole, whole + 51)[0] == pytest.approx(-20 * np.log10(0.2))
