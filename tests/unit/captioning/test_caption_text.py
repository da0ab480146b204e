"""The text of a sound caption in each style."""

import pytest

from avtool.captioning.style import load_style
from avtool.captioning.text import make_caption


@pytest.mark.parametrize(
    ("style", "phrase", "lines"),
    [
        ("netflix", "door slams", ["[door slams]"]),
        ("netflix", "[ DOOR SLAMS. ]", ["[door slams]"]),
        ("netflix", "Door slams", ["[door slams]"]),
        ("netflix", "Hulk roars", ["[Hulk roars]"]),
        ("netflix", "TV plays", ["[TV plays]"]),
        ("netflix", "slamming of the door", ["[door slamming]"]),
        ("netflix", "♪ (soft music) ♪", ["[soft music]"]),
        ("netflix", "rain --> falls", ["[rain → falls]"]),
        ("bbc", "door slams.", ["DOOR SLAMS"]),
        ("dcmp", "glass shatters behind the counter, man groans",
         ["[glass shatters", "behind the counter, man groans]"]),
        ("netflix", "glass shatters behind the counter, man groans",
         ["[glass shatters behind the counter,", "man groans]"]),
        ("netflix", "a heavy wooden door slams shut and a dog barks in the distance while rain falls near",
         ["[a heavy wooden door slams shut", "and a dog barks in the distance]"]),
        ("netflix", "x" * 50, ["[" + "x" * 40 + "]"]),
    ],
)  # fmt: skip
def test_a_phrase_as_its_style_writes_it(style, phrase, lines):
    caption = make_caption(phrase, load_style(style), "en")
    assert list(caption.lines) == lines


def test_names_keep_their_capitals_where_a_dictionary_has_the_word_too():
    assert make_caption("Mark laughs", load_style("netflix")).text == "[mark laughs]"
    assert make_caption("MARK LAUGHS", load_style("netflix", names=("Mark",))).text == "[Mark laughs]"


@pytest.mark.parametrize("phrase", ["", " ", "♪", "[]", "...", "\u200b\x00"])
def test_nothing_visible_is_no_caption(phrase):
    assert make_caption(phrase, load_style("netflix")) is None


def test_german_nouns_keep_their_capitals_and_lines_break_before_prepositions():
    style = load_style("netflix", max_chars=30)
    caption = make_caption("Tür schlägt zu, Hund bellt in der Ferne", style, "de")
    assert caption.lines == ("[Tür schlägt zu,", "Hund bellt in der Ferne]")


def test_a_slow_reading_rate_shortens_what_could_not_be_read_in_the_longest_cue():
    caption = make_caption(
        "dog barks in the distance while a door slams shut", load_style("netflix", cps=5), "en"
    )
    assert caption.shortened
    assert len(caption.text) <= 35


def test_a_phrase_of_a_million_words_takes_no_time():
    assert make_caption("dog " * 1_000_000, load_style("netflix")).shortened
