"""Distorted captions: every map can be undone exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Cue
from avtool.synthetic.distort import DISTORTIONS, Distortion, distortion_named

FILM = 600.0


def cue_at(seconds):
    return Cue(round(seconds * 1000), round(seconds * 1000) + 1500, ("Hello.",))


@given(
    offset=st.floats(0, 120),
    ratio=st.floats(0.95, 1.05),
    first=st.floats(-40, 40),
    second=st.floats(-40, 40),
    moments=st.lists(st.floats(0, FILM - 1), min_size=1, max_size=20),
)
def test_the_map_takes_captions_back_to_the_film(offset, ratio, first, second, moments):
    distortion = Distortion(offset, ratio, ((0.3, first), (0.7, second)))
    back = distortion.time_map(FILM)
    for moment in moments:
        moved = distortion.move(cue_at(moment), FILM)
        if moved is not None:
            assert back(moved.start_ms / 1000) == pytest.approx(moment, abs=0.0021)


@pytest.mark.parametrize("name", DISTORTIONS)
def test_named_distortions_keep_most_cues_in_order(name):
    cues = [cue_at(k * 4.0) for k in range(149)]
    moved = [distortion_named(name).move(cue, FILM) for cue in cues]
    starts = [cue.start_ms for cue in moved if cue is not None]
    assert starts == sorted(starts)
    assert len(starts) >= 149 - 15  # a cut scene of 30 s, or the half minute before zero


def test_a_cut_scene_takes_its_cues_with_it():
    jump = Distortion(jumps=((0.5, -30.0),))
    assert jump.move(cue_at(299), FILM).start_ms == 299_000
    assert jump.move(cue_at(310), FILM) is None
    assert jump.move(cue_at(331), FILM).start_ms == 301_000


def test_an_added_scene_delays_what_follows():
    jump = Distortion(jumps=((0.5, 12.0),))
    assert jump.move(cue_at(299), FILM).start_ms == 299_000
    assert jump.move(cue_at(301), FILM).start_ms == 313_000


def test_another_frame_rate_stretches_cues_too():
    moved = distortion_named("ntsc").move(cue_at(240), FILM)
    assert moved.start_ms == pytest.approx(240_000 * 25 / 23.976, abs=20)
    assert moved.end_ms - moved.start_ms == pytest.approx(1500 * 25 / 23.976, abs=1)


def test_an_unknown_distortion_is_refused_with_a_suggestion():
    with pytest.raises(BadInputError) as caught:
        distortion_named("jmp")
    assert "jump" in caught.value.hint
