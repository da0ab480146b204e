"""The round trip: what the film maker writes into captions, the miner reads out of them."""

import numpy as np
import pytest

from avtool.mining.grammar.parsing import parse_cues
from avtool.mining.tagger import Tagger, load_lexicon
from avtool.synthetic.captions import STYLES, captions_of
from avtool.synthetic.screenwriter import write_script
from avtool.synthetic.sounds import SyntheticSounds
from avtool.synthetic.speech import SyntheticSpeech
from avtool.synthetic.truth import captioned_events

# 0.33 s of jitter and lead, 0.25 s between things that share a cue, 0.5 s that the miner allows for there.
TOLERANCE = 1.1


@pytest.fixture(scope="module")
def script():
    return write_script(np.random.default_rng(5), "film", 300.0, SyntheticSounds(), SyntheticSpeech())


@pytest.fixture(scope="module")
def tagger():
    return Tagger(load_lexicon())


@pytest.mark.parametrize("style", STYLES)
def test_every_event_is_mined_and_no_trap_is(style, script, tagger):
    found = parse_cues(captions_of(script, STYLES[style], np.random.default_rng(0)), tag=tagger.tag)
    mined = [(raw.start_ms / 1000, tagger.tag(raw.text)) for raw in found.tags]
    left = [(start, label) for start, label in mined if label.is_event]
    for event in captioned_events(script, STYLES[style]):
        if event.kind in ("sound", "music"):
            near = [(start, label) for start, label in left if abs(start - event.start) < TOLERANCE]
            match = [(s, label) for s, label in near if event.sound in label.sounds]
            assert match, f"{event.tag} at {event.start:.1f} s is not mined"
            assert match[0][1].sources == ((event.source,) if event.source else ())
            left.remove(match[0])
    songs = {label.sounds for _, label in left}
    assert songs <= {("sing",), ()}, "something that is no sound was taken for one"
