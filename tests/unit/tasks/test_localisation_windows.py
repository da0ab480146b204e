"""Windows of query localisation: types, places, crops, and the kinds of an epoch."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtool.tasks.localisation.windows import SHORTEST, Window, crop_window, draw_window, plan_epoch

TYPES = ("foreground", "left", "right", "background")


def one(kind: str) -> tuple[float, float, float, float]:
    """All windows of one type."""
    return tuple(float(name == kind) for name in TYPES)  # type: ignore[return-value]


def drawn(
    kind: str, segments: list[tuple[int, int]], frames: int, size: int, count: int = 200
) -> list[Window]:
    rng = np.random.default_rng(0)
    array = np.array(segments, np.int64).reshape(-1, 2)
    return [draw_window(array, frames, size, one(kind), rng) for _ in range(count)]


def test_a_foreground_window_holds_a_segment_anywhere() -> None:
    windows = drawn("foreground", [(40, 49)], 100, 30)
    assert {window.start for window in windows} == set(range(20, 41))
    assert {window.length for window in windows} == {30}


def test_a_left_truncated_window_begins_in_a_segment_and_holds_its_end() -> None:
    windows = drawn("left", [(40, 49)], 100, 30)
    assert {window.start for window in windows} == set(range(41, 50))


def test_a_right_truncated_window_holds_a_segments_begin_and_not_its_end() -> None:
    windows = drawn("right", [(40, 49)], 100, 30)
    assert {window.start for window in windows} == set(range(11, 20))


def test_a_background_window_touches_no_segment() -> None:
    windows = drawn("background", [(40, 49), (90, 95)], 100, 30)
    assert {window.start for window in windows} == {*range(11), *range(50, 61)}


def test_a_gap_shorter_than_a_window_is_a_shorter_background_window() -> None:
    assert set(drawn("background", [(0, 39), (60, 99)], 100, 30)) == {Window(40, 20)}


def test_a_type_that_the_film_has_not_is_drawn_again() -> None:
    whole = drawn("background", [(0, 99)], 100, 30)
    assert all(len(window.inside(np.array([(0, 99)]))) for window in whole)
    long = drawn("foreground", [(10, 89)], 100, 30)
    assert all(window.start > 10 or window.start + 29 < 89 for window in long), "truncated on one side"


def test_a_query_without_segments_has_background_windows() -> None:
    windows = drawn("foreground", [], 40, 30)
    assert {window.start for window in windows} == set(range(11))


def test_a_short_film_is_one_window() -> None:
    assert set(drawn("foreground", [(2, 3)], 6, 30)) == {Window(0, 6)}
    assert set(drawn("left", [(2, 3)], 6, 30)) == {Window(0, 6)}


segment_lists = st.lists(st.tuples(st.integers(0, 59), st.integers(1, 30)), max_size=4).map(
    lambda pairs: np.array([(a, min(a + n - 1, 59)) for a, n in pairs], np.int64).reshape(-1, 2)
)
shares = st.tuples(*[st.floats(0, 1)] * 4).filter(lambda values: sum(values) > 0.01)


@settings(deadline=None, max_examples=200)
@given(segment_lists, st.integers(8, 80), shares, st.integers(0, 9))
def test_windows_lie_in_the_film_and_crops_keep_their_segments(
    segments: np.ndarray, size: int, types: tuple[float, float, float, float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    window = draw_window(segments, 60, size, types, rng)
    assert window.start >= 0
    assert window.start + window.length <= 60
    assert min(SHORTEST, 60) <= window.length <= size
    crop, inside = crop_window(window, segments, rng), window.inside(segments)
    assert window.start <= crop.start
    assert crop.start + crop.length <= window.start + window.length
    assert crop.length >= min(SHORTEST, window.length)
    kept = crop.inside(segments) + crop.start
    assert (kept == inside + window.start).all()
    if not len(inside):
        assert crop == window


def counts(sizes: dict[str, int], samples: int, power: float) -> Counter[str]:
    by_kind, first = {}, 0
    for kind, size in sizes.items():
        by_kind[kind] = list(range(first, first + size))
        first += size
    plan = plan_epoch(by_kind, samples, power, np.random.default_rng(3))
    assert len(plan) == samples
    return Counter(kind for number in plan.tolist() for kind, own in by_kind.items() if number in own)


@pytest.mark.parametrize(
    ("power", "expected"), [(0.5, {"a": 30, "b": 90}), (0.0, {"a": 60, "b": 60}), (1.0, {"a": 12, "b": 108})]
)
def test_kinds_are_drawn_by_a_power_of_their_size(power: float, expected: dict[str, int]) -> None:
    assert counts({"a": 10, "b": 90}, 120, power) == expected


def test_queries_of_a_kind_come_alike_often() -> None:
    plan = plan_epoch({"a": [0, 1, 2], "b": []}, 9, 0.5, np.random.default_rng(0))
    assert Counter(plan.tolist()) == {0: 3, 1: 3, 2: 3}


def test_shares_that_are_not_whole_are_drawn() -> None:
    means = np.mean([counts({"a": 1, "b": 1, "c": 1}, 4, 0.5)["a"] for _ in range(5)])
    assert 1 <= means <= 2
