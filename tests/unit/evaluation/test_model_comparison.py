"""Comparison of models over seeds and clips."""

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.evaluation.model_comparison import compare_models


def hits(share: float, seeds: int = 3, clips: int = 200, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((seeds, clips)) < share


def test_an_interval_of_one_seed_is_that_of_a_share() -> None:
    right = hits(0.3, seeds=1, clips=400)
    model = compare_models({"one": right}, range(400)).models[0]
    share = right.mean()
    half = 1.96 * np.sqrt(share * (1 - share) / 400)
    assert model.interval.value == pytest.approx(share)
    assert model.interval.low == pytest.approx(share - half, abs=0.01)
    assert model.interval.high == pytest.approx(share + half, abs=0.01)


def test_equal_models_do_not_differ_and_far_ones_do() -> None:
    same = hits(0.5)
    found = compare_models({"a": same, "b": same.copy(), "c": hits(0.9, seed=1)}, range(200))
    assert found.models[0].name == "c"
    by_pair = {frozenset((one.better, one.worse)): one for one in found.differences}
    assert by_pair[frozenset("ab")].interval.value == 0
    assert not by_pair[frozenset("ab")].is_real
    assert {frozenset((one.better, one.worse)) for one in found.real} == {frozenset("ac"), frozenset("bc")}


def test_pairing_sees_what_intervals_hide() -> None:
    """Clips differ far more than models: the intervals overlap, the paired difference is real."""
    easy = np.repeat([True, False], 100)[None].repeat(3, axis=0)
    better = easy.copy()
    better[:, 100:112] = True
    found = compare_models({"better": better, "worse": easy}, range(200))
    assert found.models[1].interval.high > found.models[0].interval.low
    assert found.differences[0].is_real
    assert found.differences[0].interval.value == pytest.approx(0.06)


def test_seeds_widen_the_interval_of_an_unsteady_model() -> None:
    steady = hits(0.5, seeds=4)
    unsteady = np.stack([hits(share, seeds=1, seed=2)[0] for share in (0.2, 0.4, 0.6, 0.8)])
    found = {
        one.name: one.interval for one in compare_models({"s": steady, "u": unsteady}, range(200)).models
    }
    assert found["u"].high - found["u"].low > 2 * (found["s"].high - found["s"].low)


def test_recordings_are_drawn_whole() -> None:
    right = np.repeat(hits(0.5, seeds=1, clips=20), 10, axis=1)
    alone = compare_models({"m": right}, range(200)).models[0].interval
    whole = compare_models({"m": right}, np.repeat(range(20), 10).tolist()).models[0].interval
    assert whole.high - whole.low > 2 * (alone.high - alone.low)


def test_the_correction_is_that_of_scipy_over_all_pairs() -> None:
    from scipy.stats import false_discovery_control

    found = compare_models({str(n): hits(0.4 + 0.04 * n, seed=n) for n in range(5)}, range(200))
    ps = [one.p for one in found.differences]
    assert len(ps) == 10
    assert [one.corrected for one in found.differences] == pytest.approx(
        false_discovery_control(ps, method="by")
    )


def test_equal_models_are_seldom_called_different() -> None:
    """Of 60 comparisons of two models of equal skill, a nominal 5 % is wrong by chance."""
    wrong = sum(
        compare_models(
            {"a": hits(0.5, seed=2 * n + 100), "b": hits(0.5, seed=2 * n + 101)}, range(200), draws=999
        ).differences[0].is_real
        for n in range(60)
    )  # fmt: skip
    assert wrong <= 8


def test_other_clips_are_refused() -> None:
    with pytest.raises(BadInputError, match="same clips"):
        compare_models({"a": hits(0.5), "b": hits(0.5, clips=100)}, range(200))
