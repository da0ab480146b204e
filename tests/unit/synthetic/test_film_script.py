"""Scripts: everything in its place, half of it speech, all traps laid."""

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from avtool.synthetic.screenwriter import write_script
from avtool.synthetic.script import TrapKind
from avtool.synthetic.sounds import SyntheticSounds
from avtool.synthetic.speech import SyntheticSpeech


def script(seed=0, seconds=120.0, **settings):
    return write_script(
        np.random.default_rng(seed), "film", seconds, SyntheticSounds(), SyntheticSpeech(), **settings
    )


@pytest.fixture(scope="module")
def long_script():
    return script(seconds=600.0)


def test_equal_seeds_write_equal_scripts():
    assert script(3, 60) == script(3, 60)
    assert script(3, 60) != script(4, 60)


def test_everything_is_inside_the_film_and_in_order(long_script):
    for things in (long_script.events, long_script.utterances, long_script.scenes):
        starts = [thing.start for thing in things]
        assert starts == sorted(starts)
        assert all(0 <= thing.start < thing.end <= 600 for thing in things)


def test_people_do_not_speak_at_once(long_script):
    lines = long_script.utterances
    assert all(line.end <= following.start for line, following in pairwise(lines))


def test_about_half_is_speech_and_sounds_come_at_the_rate_asked_for(long_script):
    assert 0.35 < sum(line.end - line.start for line in long_script.utterances) / 600 < 0.65
    sounds = [event for event in long_script.events if event.kind == "sound"]
    assert 6 < len(sounds) / 10 < 9.5
    assert {event.label for event in sounds} == set(SyntheticSounds().labels)


def test_all_traps_and_kinds_of_events_occur(long_script):
    assert {trap.kind for trap in long_script.traps} == set(get_args(TrapKind))
    assert {event.kind for event in long_script.events} == {"sound", "music", "song", "speech"}


def test_more_sounds_can_be_asked_for():
    few, many = (
        sum(e.kind == "sound" for e in script(1, 180.0, sounds_per_minute=n).events) for n in (3, 14)
    )
    assert few == pytest.approx(9, abs=2)
    assert many > 2.5 * few


def test_scenes_follow_each_other_without_a_hole(long_script):
    scenes = long_script.scenes
    assert all(scene.end == following.start for scene, following in pairwise(scenes))
    assert scenes[-1].end == 600
