"""Time maps in plain words."""

import pytest

from avtool.mining.sync.time_map import IDENTITY, TimeMap
from avtool.mining.sync.wording import in_plain_words

NTSC = 24 / 1.001


@pytest.mark.parametrize(
    ("ratio", "offsets", "words"),
    [
        (25 / NTSC, (0.0,), "captions timed for 25 fps, film runs at 23.976 fps"),
        (NTSC / 25, (-7.3,), "captions timed for 23.976 fps, film runs at 25 fps; 7.30 s earlier"),
        (24 / 25, (1.0,), "captions timed for 24 fps, film runs at 25 fps; 1.00 s later"),
        (1.0, (7.3,), "7.30 s later"),
        (1.0, (-2.0, 4.0), "2.00 s earlier, then 1 jump"),
        (1.0, (-2.0, 4.0, 1.0), "2.00 s earlier, then 2 jumps"),
        (1.0015, (1.0,), "captions drift by +0.150 %; 1.00 s later"),
    ],
)
def test_a_map_is_told_in_words_of_films(ratio, offsets, words):
    starts = tuple(100.0 * n for n in range(len(offsets)))
    assert in_plain_words(TimeMap(ratio, starts, offsets), "global") == words


@pytest.mark.parametrize(
    ("decision", "words"), [("identity", "already in time"), ("skipped", "times kept unchecked")]
)
def test_times_that_stay_are_told_too(decision, words):
    assert in_plain_words(IDENTITY, decision) == words
