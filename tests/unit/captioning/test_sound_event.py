"""Events that are no events are refused in one line, and the others are put in order."""

from dataclasses import replace
from math import inf, nan

import pytest

from avtool.captioning.event import SoundEvent, check_events
from avtool.core.errors import BadInputError

DOOR = SoundEvent(1.0, 1.5, "door slams", 0.9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": nan}, "start is nan"),
        ({"end": inf}, "end is inf"),
        ({"score": nan}, "score is nan"),
        ({"end": 0.5}, "ends at 0.5 s, before its start at 1 s"),
        ({"score": 1.5}, "score is 1.5"),
        ({"end": 1e12}, "ends at 1e\\+12 s"),
    ],
)
def test_impossible_events_are_refused(change, words):
    with pytest.raises(BadInputError, match=f"event 2 \\(`door slams`\\):? {words}"):
        check_events([DOOR, replace(DOOR, **change)])


def test_events_come_in_the_order_of_their_starts():
    early = SoundEvent(0.2, 0.2, "dog barks")
    assert check_events([DOOR, early]) == [early, DOOR]
