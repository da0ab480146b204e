"""Sound captions against a film's own: tracks, matching, words, dialogue, baselines."""

from dataclasses import replace

import pytest

from avtool.captioning.style import load_style
from avtool.core.reporter import Silent
from avtool.evaluation.dense_captions.segments import CaptionedSegment
from avtool.evaluation.metrics.meteor import open_meteor
from avtool.evaluation.sound_captions.baselines import chance_cues, commonest_cue
from avtool.evaluation.sound_captions.matching import EventCounts, any_sound, match_onsets, match_overlaps
from avtool.evaluation.sound_captions.scores import CaptionedFilm, score_film, score_sound_captions
from avtool.evaluation.sound_captions.track import SoundTrack, read_sound_track, sound_cues, stem_f1
from avtool.media.captions.cue import Captions, Cue
from tests.meteor_data import small_phrase_table


def track(*rows):
    cues = tuple(
        Cue(round(1000 * start), round(1000 * end), tuple(text.split("\n"))) for start, end, text in rows
    )
    return read_sound_track(Captions(cues, "srt", "utf-8", "film.en.srt"), None)


TRUTH = track(
    (1, 3, "[door slams]"),
    (5, 7, "Hello there, my friend."),
    (10, 12, "[dog barking]"),
    (20, 22, "[thunder rumbling in distance]"),
    (30, 32, "I know.\n[phone rings]"),
    (40, 42, "♪ la la la ♪"),
)
STYLE = load_style("netflix")


def cues(*rows):
    return sound_cues([CaptionedSegment(start, start + 2, text) for start, text in rows])


def test_track_holds_sounds_dialogue_and_no_sung_words():
    assert [cue.text for cue in TRUTH.sounds] == [
        "door slams", "dog barking", "thunder rumbling in distance", "phone rings",
    ]  # fmt: skip
    assert [cue.start for cue in TRUTH.sounds][:3] == [1, 10, 20]
    assert len(TRUTH.captions) == 3
    assert TRUTH.words[:4] == ("hello", "there", "my", "friend")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("door slams", "slamming door", True),
        ("door slams", "a door slams shut", True),
        ("dog barking", "barking", True),
        ("dog barking", "dog growling", False),
        ("thunder rumbling", "engine rumbling", False),
        ("dog barking", "music", False),
        ("gunshots", "gunshot", True),
    ],
)
def test_same_sound(one, other, expected):
    first, second = cues((0, one)), cues((0, other))
    assert first[0].is_same(second[0]) is second[0].is_same(first[0]) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("door slams", "door slams", 1), ("the gunshot", "gunshots", 1), ("a b", "c", 0), ("", "", 0)],
)
def test_stem_f1(one, other, expected):
    assert stem_f1(one, other) == expected


def test_onsets_match_once_and_within_the_tolerance():
    truth = cues((10, "dog barks"), (10.4, "dog barks"), (20, "dog barks"))
    given = cues((9.5, "dog barks"), (11.5, "dog barks"), (20.6, "dog barks"), (20.2, "door slams"))
    assert match_onsets(given, truth, 1.0) == [(0, 0), (3, 2)]
    assert match_onsets(given, truth, 0.5) == [(0, 0)]
    assert len(match_onsets(given, truth, 1.2)) == 3
    assert match_onsets((), truth, 1) == match_onsets(given, (), 1) == []
    by_time = match_onsets(given, truth, 1.0, any_sound)
    assert {given[place].text for place, _ in by_time} == {"dog barks", "door slams"}


def test_overlaps():
    truth, given = (
        cues((10, "dog barks"), (20, "door slams")),
        cues((10.5, "dog barking"), (20, "bell rings")),
    )
    assert match_overlaps(given, truth, 0.5) == [(0, 0)]
    assert match_overlaps(given, truth, 0.7) == []
    assert match_overlaps((), truth, 0.5) == []


def test_counts():
    counts = EventCounts(4, 2, 1) + EventCounts(0, 2, 0)
    assert (counts.precision, counts.recall, counts.f1) == (0.25, 0.25, 0.25)
    assert EventCounts().f1 == EventCounts().precision == EventCounts().recall == 0


@pytest.fixture
def meteor(cache, tmp_path):
    small_phrase_table(tmp_path)
    return open_meteor("python", Silent())


def test_a_track_against_itself(meteor):
    scores = score_sound_captions([CaptionedFilm("film", TRUTH, TRUTH, 60, TRUTH)], STYLE, meteor)
    assert [counts.f1 for counts in (*scores.onsets.values(), *scores.overlaps.values())] == [1] * 4
    assert scores.false_per_hour == 0
    assert scores.stem_f1 == 1
    assert scores.soda_stem.f1 == pytest.approx(1)
    assert (scores.films[0].words_changed, scores.films[0].cues_moved) == (0, 0)


def test_no_captions_at_all(meteor):
    scores = score_sound_captions([CaptionedFilm("film", SoundTrack(()), TRUTH, 60, TRUTH)], STYLE, meteor)
    assert scores.onsets[1.0] == EventCounts(4, 0, 0)
    assert (scores.stem_f1, scores.cider, scores.soda_stem.f1, scores.soda_meteor.f1) == (0, 0, 0, 0)
    assert scores.films[0].words_changed is None


def test_changes_of_dialogue_and_form():
    given = track(
        (5.1, 7, "Hello there, my dear friend."),
        (15, 15.3, "[GUNSHOT.]"),
        (30, 32, "I know."),
    )
    scores = score_film(CaptionedFilm("film", given, TRUTH, 60, TRUTH), STYLE)
    assert scores.words_changed == 1
    assert scores.cues_moved == 1
    assert sum(scores.faults.values()) >= 2
    assert scores.false_per_hour == 60


def test_baselines():
    film = CaptionedFilm("film", TRUTH, TRUTH, 60)
    many = replace(film, truth=SoundTrack(cues(*((second, "dog barks") for second in range(0, 60, 2)))))
    counts, false = commonest_cue([many], [many])
    assert counts.f1 > 0.9
    assert false < 200
    assert chance_cues([film], [film], seed=1) == chance_cues([film], [film], seed=1)
    assert chance_cues([film], [film])[0].f1 < 0.3
