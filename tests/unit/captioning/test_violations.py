"""The checker finds each fault, and nothing in captions of professionals' form."""

import pytest

from avtool.captioning.style import load_style
from avtool.captioning.violations import Fault, violations
from avtool.media.captions.cue import Cue

GOOD = Cue(10_000, 12_000, ("[door slams]",))
SPOKEN = Cue(11_000, 14_000, ("Hello.",))


def faults(*cues, style="netflix", dialogue=(), duration=None):
    return [(found.fault, found.cue) for found in violations(cues, load_style(style), dialogue, duration)]


@pytest.mark.parametrize(
    ("fault", "cue"),
    [
        (Fault.LINES, Cue(0, 3000, ("[a dog]", "[a cat]", "[a cow]"))),
        (Fault.LINE_LENGTH, Cue(0, 6000, ("[" + "door slams " * 4 + "shut]",))),
        (Fault.FORM, Cue(0, 2000, ("door slams",))),
        (Fault.FORM, Cue(0, 2000, ("[door slams] no",))),
        (Fault.FORM, Cue(0, 2000, ("[DOOR SLAMS]",))),
        (Fault.FORM, Cue(0, 2000, ("[door slams.]",))),
        (Fault.FORM, Cue(0, 3000, ("[slamming of the door]",))),
        (Fault.SHORT, Cue(0, 800, ("[door slams]",))),
        (Fault.SPEED, Cue(0, 1000, ("[glass shatters far away]",))),
        (Fault.LONG, Cue(0, 7100, ("[door slams]",))),
    ],
)
def test_faults_of_a_cue(fault, cue):
    assert faults(cue, GOOD) == [(fault, 0)]


@pytest.mark.parametrize(
    ("fault", "cue"),
    [
        (Fault.ORDER, Cue(7000, 9000, ("[dog barks]",))),
        (Fault.OVERLAP, Cue(11_900, 13_000, ("[dog barks]",))),
        (Fault.GAP, Cue(12_040, 13_000, ("[dog barks]",))),
        (Fault.OUTSIDE, Cue(19_000, 20_500, ("[dog barks]",))),
    ],
)
def test_faults_of_a_cue_after_another(fault, cue):
    assert faults(GOOD, cue, duration=20.0) == [(fault, 1)]


def test_faults_of_the_rate():
    assert faults(Cue(0, 900, ("[dog barks]",)), Cue(1500, 2500, ("[door slams]",))) == [(Fault.RATE, 1)]
    many = [Cue(3000 * k, 3000 * k + 1000, (f"[sound {k} plays]",)) for k in range(14)]
    assert faults(*many) == [(Fault.RATE, 12), (Fault.RATE, 13)]


@pytest.mark.parametrize(
    ("cue", "found"),
    [
        (GOOD, [(Fault.OVERLAP, 0)]),
        (Cue(10_000, 10_960, ("[door slams]",)), [(Fault.GAP, 0)]),
        (Cue(14_050, 15_000, ("[door slams]",)), [(Fault.GAP, 0)]),
        (Cue(14_084, 15_000, ("[door slams]",)), []),
        (Cue(10_000, 12_000, ("[door slams]",), top=True), []),
    ],
)
def test_faults_among_dialogue(cue, found):
    early = Cue(0, 9000, ("A long line that ended before.",))
    assert faults(cue, dialogue=[early, SPOKEN, Cue(12_000, 13_000, ("Who?",))]) == found


def test_good_captions_have_none():
    two = Cue(20_000, 23_000, ("[door slams]", "[dog barks]"))
    broken = Cue(30_000, 34_000, ("[glass shatters behind the counter,", "man groans]"))
    frames = Cue(40_000, 40_833, ("[gunshot]",))  # 20 frames of 24 a second
    assert faults(GOOD, two, broken, frames, duration=50.0) == []
    assert faults(Cue(0, 2000, ("DOOR SLAMS",)), style="bbc") == []
    assert faults(Cue(0, 2000, ("Door slams",)), style="bbc") == [(Fault.FORM, 0)]
