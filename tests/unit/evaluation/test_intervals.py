"""Bootstrap and fold intervals."""

import numpy as np
import pytest

from avtool.evaluation.metrics.intervals import bootstrap_interval, mean_interval, summarise_folds


def test_an_accuracy_gets_the_binomial_width() -> None:
    """90 of 100 right: the normal approximation has ± 1.96 √(0.9 · 0.1 / 100) = 0.059."""
    interval = mean_interval([1] * 90 + [0] * 10)
    assert interval.value == pytest.approx(0.9)
    assert interval.low == pytest.approx(0.9 - 0.059, abs=0.012)
    assert interval.high == pytest.approx(0.9 + 0.059, abs=0.012)


def test_clips_of_one_recording_are_no_independent_evidence() -> None:
    right = np.repeat([1, 1, 1, 0, 1, 0, 1, 1, 1, 1], 10)
    alone = mean_interval(right)
    grouped = mean_interval(right, groups=np.repeat(np.arange(10), 10).tolist())
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_whole_groups_are_drawn() -> None:
    """Each draw holds as many groups as there are, with all of their items each time."""
    groups = ["a", "b", "a", "c", "b", "a"]
    drawn: list[list[int]] = []

    def remember(chosen: np.ndarray) -> float:
        drawn.append(sorted(chosen.tolist()))
        return 0.0

    bootstrap_interval(remember, 6, groups=groups, draws=50)
    members = {"a": [0, 2, 5], "b": [1, 4], "c": [3]}
    possible = {
        tuple(sorted(members[x] + members[y] + members[z])) for x in "abc" for y in "abc" for z in "abc"
    }
    assert {tuple(draw) for draw in drawn} <= possible
    assert len({tuple(draw) for draw in drawn}) > 5


def test_the_same_seed_draws_the_same_samples() -> None:
    values = np.random.default_rng(0).random(50)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_draws_without_a_value_are_skipped() -> None:
    interval = bootstrap_interval(lambda chosen: 1.0 if 0 in chosen else float("nan"), 3)
    assert (interval.low, interval.high) == (1.0, 1.0)


def test_folds_are_summarised_as_papers_do() -> None:
    """The ESC-50 folds of AST: mean 95.75, sample deviation √(9.375 / 4); t(0.975, 4) = 2.776."""
    summary = summarise_folds([95.0, 97.75, 94.75, 97.0, 94.25])
    assert summary.mean == pytest.approx(95.75)
    assert summary.deviation == pytest.approx((9.375 / 4) ** 0.5)
    assert summary.interval.high - summary.mean == pytest.approx(2.776 * 1.5309 / 5**0.5, abs=2e-3)


def test_one_fold_has_no_spread() -> None:
    assert summarise_folds([80.0]).interval.low == 80.0
