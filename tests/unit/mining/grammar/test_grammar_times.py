"""When a tag is heard."""

import pytest

from avtool.media.captions.cue import Cue
from avtool.mining.grammar import parse_cues


def test_a_cue_of_tags_alone_gives_its_whole_time(parse):
    (tag,) = parse("[door slams]").tags
    assert (tag.start_ms, tag.end_ms, tag.time_source, tag.char_share) == (0, 2000, "cue", 0.0)


@pytest.mark.parametrize(
    "text", ["♪ [music playing] ♪", "JOHN: [sighs]", "[man] [sighs]", "(softly) [sighs]", "- [sighs]"]
)
def test_labels_and_manner_are_no_dialogue(parse, text):
    assert parse(text).tags[0].time_source == "cue"


@pytest.mark.parametrize(
    ("text", "share", "start_ms", "end_ms"),
    [
        ("[sighs] abcd", 0.0, 0, 1000),
        ("abc [sighs] d", 0.75, 1500, 2500),
        ("ab [sighs] cd", 0.5, 1000, 2000),
        ("abcd [sighs]", 1.0, 2000, 3000),
        ("JOHN: ab [sighs] cd", 0.5, 1000, 2000),
        ("(softly) ab [sighs] cd", 0.5, 1000, 2000),
        ("- ab\n- [sighs] cd", 0.5, 1000, 2000),
        ("ab [sighs][coughs] cd", 0.5, 1000, 2000),
    ],
)
def test_a_tag_in_dialogue_is_interpolated_by_characters(parse, text, share, start_ms, end_ms):
    tag = parse(text).tags[0]
    assert tag.time_source == "interpolated"
    assert (tag.char_share, tag.start_ms, tag.end_ms) == (share, start_ms, end_ms)


def test_tags_are_in_the_order_of_their_times(parse):
    tags = parse("[sighs] abcd [coughs]", "[dog barks]").tags
    assert [tag.text for tag in tags] == ["sighs", "coughs", "dog barks"]


def test_the_style_of_the_file(parse):
    spoken = ["This is dialogue."] * 4
    styles = {
        "brackets": ["[sighs]", "(Door slams)"],
        "caps": ["[SIGHS]", "(DOOR SLAMS)"],
        "bbc": ["HE SIGHS", "DOOR SLAMS"],
        "music": ["♪ la la la ♪"],
        "plain": [],
    }
    assert {name: parse(*texts, *spoken).style for name, texts in styles.items()} == {
        name: name for name in styles
    }


def test_a_tag_in_a_cue_with_word_times_begins_with_its_word(tagger):
    cue = Cue(
        5759,
        8000,
        ("with the first [Applause] of",),
        word_times=((5, 6000), (9, 6200), (15, 6500), (26, 7000)),
    )
    (tag,) = parse_cues([cue], tag=tagger.tag).tags
    assert (tag.start_ms, tag.end_ms, tag.time_source) == (6500, 7000, "word")
