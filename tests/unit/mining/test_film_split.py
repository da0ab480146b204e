"""The split by film."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtool.core.errors import BadInputError
from avtool.mining.film_split import split_films

RATIOS = (0.8, 0.1, 0.1)


def films(number, seed=0):
    generator = random.Random(seed)
    return {f"film{n:03d}": generator.randint(20, 400) for n in range(number)}


def test_the_numbers_of_films_follow_the_ratios():
    assert Counter(split_films(films(430), RATIOS).values()) == {"train": 344, "val": 43, "test": 43}


def test_the_numbers_of_events_follow_the_ratios_too():
    counts = films(100)
    split = split_films(counts, RATIOS)
    events = Counter()
    for film, name in split.items():
        events[name] += counts[film]
    assert [events[name] / sum(counts.values()) for name in ("train", "val", "test")] == pytest.approx(
        RATIOS, abs=0.02
    )


def test_the_order_of_films_does_not_matter():
    counts = films(30)
    assert split_films(dict(reversed(counts.items())), RATIOS) == split_films(counts, RATIOS)


def test_the_seed_decides():
    counts = films(30)
    assert split_films(counts, RATIOS, seed=1) == split_films(counts, RATIOS, seed=1)
    assert split_films(counts, RATIOS, seed=1) != split_films(counts, RATIOS, seed=2)


def test_no_split_is_all_train():
    assert set(split_films(films(2), None).values()) == {"train"}


def test_a_share_of_nothing_is_left_out():
    assert Counter(split_films(films(10), (0.9, 0.0, 0.1)).values()) == {"train": 9, "test": 1}


@pytest.mark.parametrize(("number", "words"), [(0, "0 films"), (1, "1 film "), (2, "2 films")])
def test_fewer_films_than_splits_are_refused(number, words):
    with pytest.raises(BadInputError, match=words) as caught:
        split_films(films(number), RATIOS)
    assert "--split none" in caught.value.hint


@settings(deadline=None)
@given(
    number=st.integers(3, 40),
    ratios=st.tuples(*[st.floats(0.01, 1)] * 3),
    seed=st.integers(0, 5),
)
def test_every_film_is_in_one_split_and_every_split_has_a_film(number, ratios, seed):
    split = split_films(films(number, seed), ratios, seed)
    assert sorted(split) == sorted(films(number, seed))
    assert set(split.values()) == {"train", "val", "test"}
