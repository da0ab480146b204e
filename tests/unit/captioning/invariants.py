"""Random event lists and dialogue, and what must hold of every plan."""

from hypothesis import strategies as st

from avtool.captioning.event import CaptionPlan, Rule, SoundEvent
from avtool.captioning.merging import reading_ms
from avtool.captioning.style import CaptionStyle, load_style
from avtool.captioning.violations import violations
from avtool.media.captions.cue import Captions, Cue

PHRASES = st.one_of(
    st.sampled_from(
        [
            "door slams", "dog barks", "Dog barks", "[GUNSHOT]", "rain falls", "man on radio speaks",
            "a heavy wooden door slams shut and a dog barks in the distance while rain falls on the roof",
            "slamming of the door", "♪", "birds chirp & sing", "rain --> falls", "Tür schlägt zu", "ドア",
        ]
    ),
    st.text(max_size=60),
)  # fmt: skip
TIMES = st.floats(-3, 90, allow_nan=False).map(lambda time: round(time, 3))
SCORES = st.floats(0, 1, allow_nan=False)


@st.composite
def events(draw, max_size=25):
    """Events in any order, near each other, some of them instants, sustained or before the film."""
    found = []
    for _ in range(draw(st.integers(0, max_size))):
        start = draw(TIMES)
        length = draw(st.one_of(st.just(0.0), st.floats(0, 2), st.floats(0, 60)))
        found.append(SoundEvent(start, start + length, draw(PHRASES), draw(SCORES), None, draw(SCORES)))
    return found


@st.composite
def dialogues(draw):
    """Dialogue of one to three lines, overlapping at times, some of it at the top of the frame."""
    cues = []
    for _ in range(draw(st.integers(0, 12))):
        start = draw(st.integers(0, 90_000))
        length = draw(st.integers(1, 6000))
        lines = draw(
            st.lists(st.sampled_from(["Hello there.", "Who is it?", "שלום"]), min_size=1, max_size=3)
        )
        italic, top = draw(st.booleans()), draw(st.integers(0, 7)) == 0
        cues.append(Cue(start, start + length, tuple(lines), italic=italic, top=top))
    cues.sort(key=lambda cue: cue.start_ms)
    return Captions(tuple(cues), "srt", "utf-8", "film.srt")


STYLES = st.builds(
    load_style,
    st.sampled_from(["netflix", "dcmp", "bbc"]),
    cps=st.sampled_from([5.0, 13.0, 17.0, 40.0]),
    fps=st.sampled_from([23.976, 25.0, 60.0]),
    lead=st.sampled_from([0.0, 0.25, 0.5]),
    continues_every=st.sampled_from([0.0, 30.0]),
    max_lines=st.sampled_from([1, 2, 3]),
)


def assert_well_formed(
    plan: CaptionPlan,
    given: list[SoundEvent],
    style: CaptionStyle,
    dialogue: Captions | None,
    duration: float | None,
) -> None:
    """Every rule of the format, whatever was given."""
    spoken = list(dialogue.cues) if dialogue else []
    others = [cue for cue in plan.cues if not any(cue is sound for sound in plan.sound)]
    faults = violations(plan.sound, style, others, duration)
    assert not faults, (faults, plan.sound)
    starts = [cue.start_ms for cue in plan.cues]
    assert starts == sorted(starts)
    assert sorted(id(d.event) for d in plan.decisions) == sorted(map(id, given))
    _assert_dialogue_is_whole(others, spoken, style)
    for decision in plan.decisions:
        assert decision.rules
        assert (decision.cue is None) == any(rule.drops for rule in decision.rules), decision
        if decision.cue is not None:
            _assert_shown_in_time(decision, plan, style)


def _assert_dialogue_is_whole(others, spoken, style):
    assert [(cue.start_ms, cue.end_ms, cue.top) for cue in others] == [
        (cue.start_ms, cue.end_ms, cue.top) for cue in spoken
    ]
    for shown, cue in zip(others, spoken, strict=True):
        assert shown.lines[len(shown.lines) - len(cue.lines) :] == cue.lines
        if shown.lines != cue.lines:
            assert len(shown.lines) <= style.max_lines
            assert cue.end_ms - cue.start_ms >= reading_ms(sum(map(len, shown.lines)), style)


def _assert_shown_in_time(decision, plan, style):
    """Never more than half a second early; late only by what a move or a merged event explains."""
    cue, event = decision.cue, decision.event
    early = max(0, event.start) * 1000 - cue.start_ms
    assert early <= 500 + 1 or "merged: same text" in decision.rules, decision
    if any(cue is sound for sound in plan.sound):
        assert " ".join(cue.lines).find(decision.text) >= 0
        first = min(max(0, d.event.start) for d in plan.decisions if d.cue is cue)
        is_delayed = Rule.DELAYED in decision.rules
        assert is_delayed or cue.start_ms - first * 1000 <= 500 + 1
        assert not is_delayed or cue.start_ms < 1000 * max(
            d.event.end for d in plan.decisions if d.cue is cue
        )
        last = max(d.event.end for d in plan.decisions if d.cue is cue)
        reading = cue.start_ms + reading_ms(sum(map(len, cue.lines)), style)
        is_again = style.continues_every > 0  # `… continues` may share the cue
        assert is_again or cue.end_ms <= max(1000 * last, reading) + 1000 * style.linger + 1
