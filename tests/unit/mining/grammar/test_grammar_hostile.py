"""Cues that no caption has: read in time that grows with their length, and as dialogue."""

import time

import pytest

from avtool.media.captions.cue import Cue
from avtool.mining.grammar import parse_cues

MIB = 1 << 20
BODIES = {
    "hyphens": "- a\n" * 460,
    "italic tags": "<i>" * 600,
    "unknown tags": "<x>" * 600,
    "brackets": "[a] " * 480,
    "sounds": "[laughs] " * 200,
    "open brackets": "[" * 1900,
    "nested brackets": "[" * 900 + "]" * 900,
    "wrong brackets": "[a) " * 480,
    "asterisks": "*a* " * 480,
    "notes": "♪ a " * 480,
}


@pytest.mark.parametrize("name", BODIES)
def test_a_mebibyte_of_marks_is_read_within_two_seconds(tagger, name):
    lines = tuple(BODIES[name].split("\n"))
    cues = [Cue(2000 * n, 2000 * n + 1000, lines) for n in range(MIB // len(BODIES[name]))]
    begin = time.process_time()
    parsed = parse_cues(cues, tag=tagger.tag)
    assert time.process_time() - begin < 2
    assert not parsed.tags


def test_one_cue_with_a_mebibyte_of_lines_is_dialogue(tagger):
    begin = time.process_time()
    parsed = parse_cues([Cue(0, 1000, ("- a",) * (MIB // 4))], tag=tagger.tag)
    assert time.process_time() - begin < 2
    assert len(parsed.dialogue) == 1


def test_a_cue_of_many_lines_keeps_its_sounds(tags):
    assert tags("\n".join(["- Hello."] * 20 + ["[door slams]"])) == ["door slams"]
