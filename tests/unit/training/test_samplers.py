"""The order of clips: complete, repeatable, balanced, spread."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.core.errors import BadInputError
from avtool.data.samplers import (
    balanced_weights,
    drawn_once,
    group_ranks,
    make_order,
    nearby,
    spread_groups,
)

LABELS = [["dog"]] * 90 + [["cat"]] * 9 + [["owl"]]
GROUPS = ["film-a"] * 12 + ["film-b"] * 3 + ["film-c"] * 9


@pytest.mark.parametrize("name", ["uniform", "class-balanced", "grouped"])
def test_an_order_depends_on_seed_and_epoch_alone(name: str) -> None:
    def order(seed: int, epoch: int) -> list[int]:
        make = make_order(name, 24, 24, 4, seed, labels=LABELS[76:], groups=GROUPS)
        return make(epoch).tolist()

    assert order(1, 5) == order(1, 5)
    assert order(1, 5) != order(1, 6)
    assert order(1, 5) != order(2, 5)


@pytest.mark.parametrize("name", ["uniform", "grouped"])
def test_an_epoch_holds_each_clip_once(name: str) -> None:
    order = make_order(name, 24, 24, 4, 0, groups=GROUPS)(3)
    assert sorted(order) == list(range(24))


def test_too_few_clips_come_again_equally_often() -> None:
    order = make_order("uniform", 5, 12, 4, 0)(0)
    assert set(Counter(order.tolist()).values()) <= {2, 3}


def test_clips_too_many_for_an_epoch_wait_for_another() -> None:
    order = make_order("uniform", 10, 8, 4, 0)
    assert len(set(order(0))) == 8
    assert set(np.concatenate([order(epoch) for epoch in range(5)])) == set(range(10))


def test_balanced_labels_are_drawn_equally_often() -> None:
    order = make_order("class-balanced", 100, 30_000, 10, 0, labels=LABELS)(0)
    counts = Counter(LABELS[index][0] for index in order)
    assert all(count == pytest.approx(10_000, rel=0.05) for count in counts.values())


def test_a_clip_of_two_labels_weighs_as_both() -> None:
    weights = balanced_weights([["dog"], ["dog", "owl"], ["dog"], []])
    assert weights == pytest.approx(np.array([1 / 3, 4 / 3, 1 / 3, 1]) / 3)


def test_without_replacement_no_clip_comes_twice_and_rare_labels_come_first() -> None:
    order = make_order("class-balanced", 100, 40, 10, 0, labels=LABELS, replacement=False)
    assert all(len(set(order(epoch).tolist())) == 40 for epoch in range(20))
    owls = sum(99 in order(epoch) for epoch in range(20))
    assert owls == 20  # a third of all weight is its
    with pytest.raises(BadInputError, match="an epoch of 200 samples has none twice, and there are 100"):
        make_order("class-balanced", 100, 200, 10, 0, labels=LABELS, replacement=False)


def test_draws_without_replacement_have_the_closed_form() -> None:
    """P(first i, then j) = w_i w_j / (1 - w_i), with weights that sum to 1."""
    weights = np.array([0.2, 0.3, 0.5])
    generator = np.random.default_rng(0)
    counts = Counter(tuple(drawn_once(weights, 2, generator).tolist()) for _ in range(20_000))
    for (first, second), count in counts.items():
        assert count / 20_000 == pytest.approx(
            weights[first] * weights[second] / (1 - weights[first]), abs=0.01
        )


@given(
    sizes=st.lists(st.integers(1, 20), min_size=1, max_size=8),
    batch_size=st.integers(1, 7),
    seed=st.integers(0, 99),
)
def test_a_group_is_spread_as_thin_as_can_be(sizes: list[int], batch_size: int, seed: int) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    num_batches = len(groups) // batch_size
    if num_batches == 0:
        return
    length = num_batches * batch_size
    order = spread_groups(groups, length, batch_size, np.random.default_rng(seed))
    assert len(set(order.tolist())) == length
    drawn = Counter(groups[order].tolist())
    for batch in order.reshape(num_batches, batch_size):
        for group, count in Counter(groups[batch].tolist()).items():
            assert count <= -(-drawn[group] // num_batches)


@pytest.mark.parametrize("name", ["class-balanced", "grouped"])
def test_a_sampler_says_what_it_lacks(name: str) -> None:
    with pytest.raises(BadInputError, match=f"the {name} sampler needs"):
        make_order(name, 10, 10, 5, 0)


def test_clips_of_some_groups_come_before_those_of_others():
    groups = np.arange(400) // 10
    order = nearby(groups, 400, np.random.default_rng(0), together=4)
    assert sorted(order) == list(range(400))
    for first in range(0, 400, 40):
        here = groups[order[first : first + 40]]
        assert len(set(here)) == 4
        assert (np.diff(here) != 0).sum() > 20  # mixed, not one group after the other
    assert (np.diff(order) == 1).sum() < 40


def test_nearby_clips_are_an_order_of_the_seed_and_the_epoch():
    one, other = (make_order("nearby", 90, 96, 8, seed, groups=["a", "b", "c"] * 30) for seed in (1, 2))
    assert len(one(0)) == 96
    assert set(one(0)) == set(range(90))
    assert np.array_equal(one(3), one(3))
    assert not np.array_equal(one(3), one(4))
    assert not np.array_equal(one(3), other(3))


def test_groups_are_ranked_by_name():
    names = ["b", "a", "", "ä", "b", "a9", "a10"]
    assert group_ranks(names).tolist() == np.unique(names, return_inverse=True)[1].tolist()
    assert group_ranks([]).tolist() == []
