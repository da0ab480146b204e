import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.core.errors import CorruptArtifactError
from avtool.mining.sync.time_map import IDENTITY, TimeMap

SPLIT = TimeMap(2.0, (0.0, 10.0, 30.0), (1.0, 5.0, -3.0))


@pytest.mark.parametrize(
    ("caption_s", "film_s"),
    [(-4.0, -7.0), (0.0, 1.0), (9.999, 20.998), (10.0, 25.0), (29.0, 63.0), (30.0, 57.0), (1e4, 19997.0)],
)
def test_time_follows_the_segment_it_lies_in(caption_s, film_s):
    assert SPLIT(caption_s) == pytest.approx(film_s)
    assert SPLIT(np.array([caption_s]))[0] == pytest.approx(film_s)


def test_identity_changes_nothing():
    times = np.linspace(-5, 5000, 77)
    assert np.array_equal(IDENTITY(times), times)
    assert IDENTITY.is_identity
    assert not SPLIT.is_identity


def test_cue_across_a_split_keeps_its_length():
    starts, ends = SPLIT.spans(np.array([9.0, 10.0]), np.array([12.0, 12.0]))
    assert np.allclose(starts, [19.0, 25.0])
    assert np.allclose(ends - starts, [6.0, 4.0])


offsets = st.floats(-1e4, 1e4)


@given(
    ratio=st.floats(0.5, 2),
    starts=st.lists(st.floats(0, 1e4), min_size=1, max_size=5, unique=True).map(sorted),
    data=st.data(),
)
def test_json_round_trip_keeps_the_map(ratio, starts, data):
    chosen = data.draw(st.lists(offsets, min_size=len(starts), max_size=len(starts)))
    time_map = TimeMap(ratio, tuple(starts), tuple(chosen))
    assert TimeMap.from_dict(json.loads(json.dumps(time_map.to_dict()))) == time_map


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"ratio": 1.0, "segments": []},
        {"ratio": "fast", "segments": [{"start": 0, "offset": 0}]},
        {"ratio": -1.0, "segments": [{"start": 0, "offset": 0}]},
        {"ratio": 1.0, "segments": [{"start": 5, "offset": 0}, {"start": 1, "offset": 0}]},
    ],
)
def test_what_is_no_time_map_is_refused(value):
    with pytest.raises(CorruptArtifactError, match="not a time map"):
        TimeMap.from_dict(value)
