"""Texts that may name a sound and were taken for something else."""

import pytest

SPOKEN = tuple(f"This is plain dialogue, number {n}." for n in range(8))


@pytest.mark.parametrize(
    ("texts", "text", "taken_for", "rule"),
    [
        (["[dog barks]"] * 12 + ["GUNSHOTS IN TOWN"], "gunshots in town", "on-screen text", "on-screen text"),
        (["SIREN!"], "siren", "dialogue", "capitals"),
        (["THUNDER ROLLS!"], "thunder rolls", "dialogue", "capitals"),
        (["♪ Rain, rain, rain ♪"], "rain, rain, rain", "lyrics", "lyric"),
        (["She cried (and slammed doors) and left."], "and slammed doors", "dialogue", "ordinary bracket"),
        (["I told (and I laughed", "all night) it."], "and i laughed", "dialogue", "ordinary bracket"),
        (["[THUNDER]: I come."], "thunder", "label", "bracketed speaker"),
        (["THUNDER: I come."], "thunder", "label", "label"),
        (["What the [bleep] is this?"], "bleep", "noise", "censored word"),
    ],
)  # fmt: skip
def test_a_sound_taken_for_something_else_is_listed_with_its_rule(parse, texts, text, taken_for, rule):
    doubts = parse(*texts, *SPOKEN).doubts
    assert (text, taken_for, rule) in [(doubt.text, doubt.taken_for, doubt.rule) for doubt in doubts]


@pytest.mark.parametrize(
    "text",
    [
        "PARIS",
        "[speaking French]",
        "(softly) Come here.",
        "[man] Hello.",
        "JOHN: Hello.",
        "♪ Over the hills we go ♪",
        "I heard (or dreamed) it.",
        "Captioned by Rain Media",
        "<i>Hello</i>",
        "[door slams]",
        "GEESE HONK",
    ],
)
def test_what_is_no_sound_or_was_read_as_one_is_not_listed(parse, text):
    assert parse(text, *SPOKEN).doubts == ()
