"""Whatever is heard and said, the captions keep every rule of their style."""

import os
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from avtool.captioning.event import SoundEvent
from avtool.captioning.plan import plan_captions
from avtool.captioning.style import load_style
from avtool.captioning.violations import violations
from tests.unit.captioning.invariants import STYLES, assert_well_formed, dialogues, events

EXAMPLES = int(os.environ.get("AVTOOL_CAPTION_EXAMPLES", "150"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(events(), STYLES, st.none() | dialogues(), st.none() | st.floats(1, 120))
def test_every_plan_keeps_the_rules(heard, style, dialogue, duration):
    plan = plan_captions(heard, style, dialogue, duration)
    assert_well_formed(plan, heard, style, dialogue, duration)


def test_a_hundred_thousand_events_take_seconds():
    """Also where all of them come at once, with one text or with as many."""
    many = 100_000
    spread = [
        SoundEvent(k * 0.07, k * 0.07 + 1, f"sound {k % 300} plays", (k * 37 % 101) / 101)
        for k in range(many)
    ]
    same = [SoundEvent(10, 11, "sound plays", 0.5)] * many
    distinct = [SoundEvent(10, 11, f"sound {k} plays", 0.5) for k in range(many)]
    style = load_style("netflix")
    begin = time.process_time()
    for heard in (spread, same, distinct):
        plan = plan_captions(heard, style, duration=7200.0)
        assert len(plan.decisions) == many
        assert not violations(plan.sound, style, duration=7200.0)
    assert time.process_time() - begin < 60
