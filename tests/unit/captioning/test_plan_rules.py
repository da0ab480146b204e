"""Each rule of the writer by an example that a captioner would recognise."""

import pytest

from avtool.captioning.event import Rule, SoundEvent
from avtool.captioning.plan import plan_captions
from avtool.captioning.style import load_style
from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Captions, Cue


def plan(*heard, dialogue=None, duration=None, **changes):
    spoken = Captions(tuple(Cue(*cue) for cue in dialogue), "srt", "utf-8", "d.srt") if dialogue else None
    events = [SoundEvent(*event) for event in heard]
    return plan_captions(events, load_style("netflix", **changes), spoken, duration)


def times(found):
    return [(cue.start_ms, cue.end_ms, *cue.lines) for cue in found.cues]


def rules(found):
    return [list(decision.rules) for decision in found.decisions]


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        ((1.0, 1.2, "door slams"), (1000, 1834, "[door slams]")),  # 5/6 s at least
        (
            (1.0, 1.2, "glass shatters somewhere far away"),
            (1000, 3059, "[glass shatters somewhere far away]"),
        ),
        ((1.0, 4.0, "dog barks"), (1000, 4000, "[dog barks]")),  # until the event's end
        ((1.0, 60.0, "rain falls"), (1000, 6000, "[rain falls]")),  # sustained: 5 s
        ((1.0004, 2.0005, "dog barks"), (1000, 2001, "[dog barks]")),  # halves up
        ((-0.5, 1.0, "dog barks"), (0, 1000, "[dog barks]")),
    ],
)
def test_a_cue_starts_at_the_onset_and_can_be_read(event, shown):
    assert times(plan(event)) == [shown]


def test_same_text_is_merged_and_a_text_of_a_moment_ago_is_not_repeated():
    found = plan(
        (0.0, 0.5, "dog barks", 0.6),
        (2.0, 2.5, "dog barks", 0.65),
        (6.0, 6.5, "dog barks", 0.6),
        (9.0, 9.5, "dog barks", 0.7),
        (30.0, 30.5, "dog barks", 0.6),
    )
    assert rules(found) == [[Rule.MERGED], [Rule.MERGED], [Rule.REPEATED], [Rule.KEPT], [Rule.KEPT]]
    assert [start for start, *_ in times(found)] == [0, 9000, 30000]


def test_a_sure_sound_that_resumes_has_a_cue_again():
    music = [(0, 30, "music playing", 1.0), (36, 70, "music playing", 0.6), (90, 100, "music playing", 0.6),
             (106, 130, "music playing", 1.0)]  # fmt: skip
    found = plan(*music)
    assert rules(found) == [[Rule.SUSTAINED], [Rule.REPEATED], [Rule.SUSTAINED], [Rule.SUSTAINED]]
    assert [start for start, *_ in times(found)] == [0, 90_000, 106_000]


def test_a_sustained_sound_that_resumes_has_one_cue_where_the_style_asks_for_it():
    music = [(0, 30, "music playing", 1.0), (45, 70, "music playing", 1.0), (78, 100, "music playing", 1.0),
             (130, 150, "music playing", 1.0)]  # fmt: skip
    found = plan(*music, resume_within=60)
    assert rules(found) == [[Rule.SUSTAINED], [Rule.RESUMED], [Rule.RESUMED], [Rule.SUSTAINED]]
    assert [start for start, *_ in times(plan(*music))] == [0, 45_000, 78_000, 130_000]
    short = plan((0, 3, "dog barks", 1.0), (15, 18, "dog barks", 1.0), resume_within=60)
    assert rules(short) == [[Rule.KEPT], [Rule.KEPT]]  # a new bark is no continued one
    rain = (0, 70, "rain falls", 1.0), (75, 90, "rain falls", 1.0), (120, 130, "rain falls", 1.0)
    assert rules(plan(*rain, resume_within=60)) == [[Rule.SUSTAINED], [Rule.RESUMED], [Rule.SUSTAINED]]


def test_an_event_that_the_dialogue_describes_has_no_cue():
    events = [SoundEvent(1, 2, "door slams"), SoundEvent(5, 6, "dog barks")]
    found = plan_captions(events, load_style("netflix"), described={events[0]})
    assert rules(found) == [[Rule.DESCRIBED], [Rule.KEPT]]
    assert times(found) == [(5000, 6000, "[dog barks]")]


def test_two_sounds_at_once_are_two_lines_and_of_three_the_surest():
    found = plan((1, 3, "door slams", 0.6), (1.2, 3, "dog barks", 0.9), (1.3, 3, "man shouts", 0.8))
    assert times(found) == [(1200, 3000, "[dog barks]", "[man shouts]")]
    assert rules(found) == [[Rule.CROWDED], [Rule.JOINED], [Rule.JOINED]]


def test_a_later_sound_trims_an_earlier_one():
    found = plan((1, 6, "rain falls", 0.9), (4, 5, "dog barks", 0.5))
    assert times(found) == [(1000, 3916, "[rain falls]"), (4000, 5000, "[dog barks]")]
    assert rules(found) == [[Rule.TRIMMED], [Rule.KEPT]]


def test_a_short_gap_is_closed():
    assert times(plan((1, 2.8, "rain falls"), (3.1, 4, "dog barks")))[0] == (1000, 3016, "[rain falls]")


def test_the_rate_keeps_the_surest():
    heard = [
        (2.0 * k, 2.0 * k + 0.2, f"sound {'abcdefghijklmnopqrst'[k]} plays", 0.5 + 0.02 * k)
        for k in range(20)
    ]
    found = plan(*heard)
    assert len(found.cues) == 12
    assert [found.decisions[k].cue is None for k in range(20)] == [True] * 8 + [False] * 12
    close = plan((1, 1.1, "dog barks", 0.6), (2.5, 2.6, "door slams", 0.7))
    assert rules(close) == [[Rule.RATE], [Rule.KEPT]]


def test_a_sustained_sound_too_near_to_a_surer_one_is_shown_while_it_is_heard():
    found = plan((0, 0.4, "door slams", 0.9), (1.2, 20, "rain falls", 0.8))
    assert times(found) == [(0, 834, "[door slams]"), (2000, 7000, "[rain falls]")]
    assert rules(found) == [[Rule.KEPT], [Rule.SUSTAINED, Rule.DELAYED]]


def test_a_sustained_sound_is_shown_again_where_asked():
    found = plan((0, 70, "rain falls"), continues_every=30)
    assert [(start, text) for start, _, text in times(found)] == [
        (0, "[rain falls]"),
        (30000, "[rain falls continues]"),
        (60000, "[rain falls continues]"),
    ]


@pytest.mark.parametrize(
    ("dialogue", "rule", "shown"),
    [
        ([(1000, 4000, ("Hello.",))], Rule.ABOVE_DIALOGUE, [(1000, 4000, "[door slams]", "Hello.")]),
        ([(700, 1300, ("No.",))], Rule.MOVED, [(700, 1300, "No."), (1384, 2218, "[door slams]")]),
        (
            [(1450, 4000, ("Who is", "there?"))],
            Rule.MOVED,  # half a second early at most
            [(532, 1366, "[door slams]"), (1450, 4000, "Who is", "there?")],
        ),
        (
            [(800, 4000, ("Who is", "there?"))],
            Rule.TOP,
            [(800, 4000, "Who is", "there?"), (1000, 1834, "[door slams]")],
        ),
    ],
)
def test_dialogue_stays_where_it_is(dialogue, rule, shown):
    found = plan((1.0, 1.2, "door slams"), dialogue=dialogue)
    assert rules(found)[0][0] is rule
    assert times(found) == shown
    assert [cue.top for cue in found.sound] == [rule is Rule.TOP] * len(found.sound)


def test_without_any_room_the_event_is_dropped():
    cues = [(800, 4000, ("Who is", "there?")), (800, 4000, ("SIGN",), False, "", "", (), True)]
    found = plan((1.0, 1.2, "door slams"), dialogue=cues)
    assert rules(found) == [[Rule.NO_ROOM]]
    assert len(found.cues) == 2


def test_the_film_ends_the_captions():
    found = plan((9.6, 9.9, "door slams"), (20, 21, "dog barks"), duration=10.0)
    assert times(found) == [(9166, 10000, "[door slams]")]
    assert rules(found) == [[Rule.MOVED], [Rule.OUTSIDE]]
    with pytest.raises(BadInputError, match="duration is nan s"):
        plan((0, 1, "dog barks"), duration=float("nan"))


def test_nothing_visible_is_no_caption():
    assert rules(plan((0, 1, "[ . ]"), (1, 2, "\u200b"))) == [[Rule.NO_TEXT]] * 2
