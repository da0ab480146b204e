"""Whatever is heard and said, the captions keep every rule of their style."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from avtool.captioning.plan import plan_captions
from tests.unit.captioning.invariants import STYLES, assert_well_formed, dialogues, events

EXAMPLES = int(os.environ.get("AVTOOL_CAPTION_EXAMPLES", "150"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(events(), STYLES, st.none() | dialogues(), st.none() | st.floats(1, 120))
def test_every_plan_keeps_the_rules(heard, style, dialogue, duration):
    plan = plan_captions(heard, style, dialogue, duration)
    assert_well_formed(plan, heard, style, dialogue, duration)
