"""Cutting streams into windows, and joining windows into events."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.data.inputs.audio_stream import cut
from avtool.inference.events import Event, EventFinder


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(1, 40), st.integers(1, 40))
def test_windows_are_slices_of_the_whole_stream(sizes, length, hop):
    hop = min(hop, length)
    whole = np.arange(sum(sizes), dtype=np.float32)
    blocks = np.split(whole, np.cumsum(sizes)[:-1])
    windows = list(cut(blocks, length, hop))
    for first, samples in windows:
        np.testing.assert_array_equal(samples, whole[first : first + length])
    assert [first for first, _ in windows] == [hop * number for number in range(len(windows))]
    last, samples = windows[-1]
    assert last + len(samples) == len(whole)
    assert all(len(samples) == length for _, samples in windows[:-1])


def test_little_of_a_stream_is_held():
    largest = 0

    def blocks():
        for _ in range(1000):
            yield np.zeros(100, np.float32)

    for _, samples in cut(blocks(), 250, 125):
        largest = max(largest, samples.base.size if samples.base is not None else samples.size)
    assert largest <= 450


def find(probabilities, **settings) -> list[Event]:
    """Windows of 2 s every second over two classes."""
    finder = EventFinder(
        ["dog", "rain"], **{"threshold": 0.5, "merge_gap": 0, "min_duration": 0, **settings}, hop=1.0
    )
    for number, values in enumerate(probabilities):
        finder.add(number, number + 2, np.array(values))
    return finder.finish()


def test_a_window_speaks_for_the_time_around_its_middle():
    assert find([[0, 0.2], [0.9, 0], [0.7, 0], [0, 0]]) == [Event(1.5, 3.5, "dog", 0.9)]


def test_the_first_and_last_windows_reach_the_ends():
    assert find([[0.6, 0], [0, 0], [0, 0.8]]) == [Event(0, 1.5, "dog", 0.6), Event(2.5, 4, "rain", 0.8)]


@pytest.mark.parametrize(("gap", "count"), [(0.9, 2), (1.0, 1)])
def test_events_are_merged_over_short_gaps(gap, count):
    assert len(find([[0.6, 0], [0, 0], [0.6, 0]], merge_gap=gap)) == count


def test_short_events_are_left_out():
    assert find([[0, 0], [0.6, 0], [0, 0]], min_duration=1.1) == []


def test_a_file_without_windows_has_no_events():
    assert find([]) == []
