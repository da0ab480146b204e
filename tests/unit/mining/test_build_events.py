"""From tags to events: labels, film times, clip windows, ids, and what is left over."""

from dataclasses import asdict, replace

import pytest

from avtool.media.captions.cue import Cue
from avtool.mining.events import build_events, clip_window
from avtool.mining.grammar import parse_cues
from avtool.mining.sync.time_map import IDENTITY, TimeMap
from avtool.mining.tagger import Tagger, default_sources


@pytest.fixture(scope="module")
def tagger():
    return Tagger()


@pytest.fixture(scope="module")
def build(tagger):
    """Builds the events of cues given as (start in seconds, end in seconds, text)."""

    def build_from(*timed, time_map=IDENTITY, duration=1000.0, **options):
        cues = [Cue(round(1000 * a), round(1000 * b), (text,)) for a, b, text in timed]
        parsed = parse_cues(cues, tag=tagger.tag)
        return build_events(
            parsed, tagger.tag, time_map, "film", duration, default_sources=default_sources, **options
        )

    return build_from


def test_an_event_has_every_column(build):
    (event,), untagged = build((10, 12, "[DOOR slams in distance]"))
    assert asdict(event) == {
        "film_id": "film",
        "event_id": "00001-1",
        "start": 9.0,
        "end": 13.0,
        "start_raw": 10.0,
        "end_raw": 12.0,
        "tag_raw": "[DOOR slams in distance]",
        "tag_clean": "door slams in distance",
        "sounds": ("slam",),
        "sources_stated": ("door",),
        "sources_default": (),
        "qualities": ("in distance",),
        "aspect": "abrupt",
        "speaker": "",
        "lyrics": False,
        "time_source": "cue",
        "conf": event.conf,
        "rule_id": event.rule_id,
        "clip_path": "",
    }
    assert 0 < event.conf <= 1
    assert event.rule_id
    assert untagged == []


def test_a_sound_without_a_source_gets_the_usual_ones(build):
    (laugh, bark), _ = build((1, 2, "[laughs]"), (3, 4, "[dog barks]"))
    assert (laugh.sources_stated, laugh.sources_default) == ((), ("person", "people"))
    assert laugh.sources == ("person", "people")
    assert (bark.sources_stated, bark.sources_default, bark.sources) == (("dog",), (), ("dog",))


def test_a_tag_with_two_sounds_is_one_event(build):
    (event,), _ = build((1, 2, "[door opens and closes]"))
    assert event.sounds == ("open", "close")


def test_a_lyric_is_singing(build):
    (event,), _ = build((1, 3, "♪ la la la ♪"))
    assert (event.sounds, event.lyrics, event.tag_raw) == (("sing",), True, "la la la")


def test_the_time_map_moves_events(build):
    (event,), _ = build((100, 102, "[dog barks]"), time_map=TimeMap(1.04, (0.0,), (7.5,)))
    assert (event.start_raw, event.end_raw) == (111.5, 113.58)


def test_a_cue_over_a_jump_keeps_its_length(build):
    (event,), _ = build((99, 103, "[dog barks]"), time_map=TimeMap(1.0, (0.0, 101.0), (0.0, 30.0)))
    assert (event.start_raw, event.end_raw) == (99.0, 103.0)


def test_events_are_clipped_to_the_film(build):
    (event,), _ = build((0.2, 20, "[dog barks]"), time_map=TimeMap(1.0, (0.0,), (-1.0,)), duration=8.0)
    assert (event.start_raw, event.end_raw, event.start, event.end) == (0.0, 8.0, 0.0, 8.0)


@pytest.mark.parametrize("shift", [-10.0, 100.0])
def test_an_event_outside_the_film_is_reported(build, shift):
    events, (left,) = build((1, 3, "[dog barks]"), time_map=TimeMap(1.0, (0.0,), (shift,)), duration=60.0)
    assert not events
    assert (left.tag, left.count, left.reason) == ("dog barks", 1, "outside the film")


@pytest.mark.parametrize(
    ("start", "end", "options", "window"),
    [
        (10.0, 12.0, {}, (9.0, 13.0)),
        (10.0, 12.0, {"collar": 0.0}, (10.0, 12.0)),
        (10.0, 20.0, {}, (9.88, 20.12)),
        (10.0, 40.0, {"max_clip": 4.0}, (23.0, 27.0)),
        (0.5, 1.0, {}, (0.0, 2.0)),
        (99.5, 100.0, {}, (98.5, 100.0)),
    ],
)
def test_the_clip_is_the_event_with_a_collar_centred_and_capped(start, end, options, window):
    settings = {"collar": 1.0, "max_clip": 10.24, "film_duration": 100.0, **options}
    assert clip_window(start, end, **settings) == window


def test_confidence_is_lower_where_times_were_not_checked(build):
    (sure,), _ = build((1, 2, "[dog barks]"))
    (unsure,), _ = build((1, 2, "[dog barks]"), synchronised=False)
    assert unsure == replace(sure, conf=unsure.conf)
    assert unsure.conf == pytest.approx(0.8 * sure.conf, abs=1e-3)


def test_ids_do_not_depend_on_what_the_tagger_knows(build):
    events, _ = build((1, 2, "[skronk] [dog barks]"), (3, 4, "[man]"), (5, 6, "[sighs]"))
    assert [event.event_id for event in events] == ["00001-2", "00003-1"]


def test_tags_without_labels_are_counted_with_an_example(build):
    _, left = build((1, 2, "[zzz]"), (3, 4, "[Foo]"), (3700, 3702, "[foo]"))
    assert [(row.tag, row.count, row.example) for row in left] == [
        ("foo", 2, "film 00:00:03 [Foo]"),
        ("zzz", 1, "film 00:00:01 [zzz]"),
    ]


def test_an_event_moves_to_its_onset(build):
    (event,), _ = build((10, 12, "[door slams]"))
    moved = event.moved_to(10.4, collar=1.0, max_clip=10.24)
    assert (moved.start_raw, moved.end_raw, moved.start, moved.end) == (10.4, 12.4, 9.4, 13.4)
    assert moved.time_source == "onset"
    assert moved.event_id == event.event_id
