"""Sounds in brackets of every kind, and brackets that are damaged."""

import pytest


@pytest.mark.parametrize(
    "text",
    [
        "[door slams]",
        "(door slams)",
        "{door slams}",
        "（door slams）",
        "［door slams］",
        "｛door slams｝",
        "【door slams】",
        "〔door slams〕",
        "＊door slams＊",
        "*door slams*",
        "[DOOR SLAMS]",
        "(Door slams.)",
        "[ door slams ]",
        "[door\nslams]",
        "[door (slams)]",
        "[door slams]:",
        "{\\an8}[door slams]",
        "[<i>door slams</i>]",
        "\u200b[door\u200b slams]\ufeff",
        "[-door slams-]",
        "[door slams!!!]",
    ],
)
def test_every_kind_of_bracket_holds_a_sound(tags, text):
    assert tags(text) == ["door slams"]


@pytest.mark.parametrize("text", ["[laughs)", "(laughs]", "[laughs", "(laughs", "laughs]", "laughs)"])
def test_half_a_bracket_and_the_wrong_bracket_are_mended(tags, text):
    assert tags(text) == ["laughs"]


@pytest.mark.parametrize(
    "text",
    ["(laughs Hello", "Nice :) to meet you", ":( I am sad", "a) dogs b) cats", "Hello (", ") Hello", "]["],
)
def test_a_stray_bracket_is_dialogue(parse, text):
    parsed = parse(text)
    assert not parsed.tags
    assert [span.text for span in parsed.dialogue] == [text] * (text != "][")


def test_an_emoticon_does_not_close_a_bracket(tags):
    assert tags("[laughs :)] Hello") == ["laughs"]


def test_a_bracket_over_two_cues_is_one_sound_from_the_first_to_the_last(parse):
    (tag,) = parse("[dramatic music", "continues softly]").tags
    assert (tag.text, tag.cue_index, tag.start_ms, tag.end_ms) == (
        "dramatic music continues softly",
        0,
        0,
        5000,
    )


def test_a_bracket_over_two_cues_keeps_the_dialogue_around_it(words):
    assert words("Look! [thunder", "rumbles] Run!") == ["Look!", "Run!"]


def test_halves_with_another_speaker_between_them_are_two_sounds(tags):
    assert tags("- [chuckles\n- What?", "-sobbing]") == ["chuckles", "sobbing"]


def test_an_aside_over_two_cues_stays_dialogue(parse):
    parsed = parse("He left (which I", "never understood) alone.")
    assert not parsed.tags
    assert [span.text for span in parsed.dialogue] == ["He left (which I", "never understood) alone."]


@pytest.mark.parametrize(
    ("text", "expected", "left"),
    [
        ("(sighs) I don't know (laughs) what it is.", ["sighs", "laughs"], "I don't know what it is."),
        ("[laughing] You're [chuckles] right.", ["laughing", "chuckles"], "You're right."),
        ("I was (coughs) going to say.", ["coughs"], "I was going to say."),
        ("Hello(laughs)", ["laughs"], "Hello"),
        ("[phone rings]\nHello?", ["phone rings"], "Hello?"),
    ],
)
def test_dialogue_between_brackets_is_kept(parse, text, expected, left):
    parsed = parse(text)
    assert [tag.text for tag in parsed.tags] == expected
    assert [span.text for span in parsed.dialogue] == [left]


def test_japanese_quotation_marks_quote(parse):
    parsed = parse("彼は「門が開く」と言った", "「おはよう」")
    assert not parsed.tags
    assert [span.text for span in parsed.dialogue] == ["彼は「門が開く」と言った", "「おはよう」"]


def test_japanese_quotation_marks_hold_sounds_where_the_file_says_so(tags):
    assert tags("「door slams」", "おはよう", "「dog barks」") == ["door slams", "dog barks"]


def test_japanese_captions_name_the_speaker_and_the_sound_in_round_brackets(parse):
    parsed = parse("（太郎）おはよう", "（ドアの音）", "（ベルの音）\nはい")
    assert [tag.text for tag in parsed.tags] == ["ドアの音", "ベルの音"]
    assert [(span.text, span.speaker) for span in parsed.dialogue] == [("おはよう", "太郎"), ("はい", "")]


def test_a_sound_that_the_tagger_does_not_know_is_still_a_tag(tags):
    assert tags("[зевает]", "[baille]", "[경쾌한 피아노 선율]") == ["зевает", "baille", "경쾌한 피아노 선율"]


def test_a_bracket_as_long_as_a_paragraph_is_an_aside(parse):
    text = "(" + "dog barks and " * 30 + "ends)"
    assert not parse(text).tags


def test_the_raw_text_keeps_brackets_and_case(parse):
    (tag,) = parse("[ Splash!!! ] Ha!").tags
    assert (tag.raw, tag.text, tag.kind) == ("[ Splash!!! ]", "splash", "bracket")


@pytest.mark.parametrize(
    "texts",
    [
        ("I told him (and I laughed", "all night) to let it go."),
        ("She said (while screaming", "at me) that it was fine."),
        ("[announces the train", "Plan A) we wait."),
        ("(I heard you laughing", "and crying)"),
        ("He was [sighs and", "groans] tired of it."),
    ],
)
def test_an_aside_over_two_cues_is_no_sound(parse, texts):
    assert "bracket over two cues" not in parse(*texts).counts


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("[dramatic music", "continues]"), "dramatic music continues"),
        (("Wait. (dog barking", "in distance)"), "dog barking in distance"),
        (("- [glass shatters", "loudly]\n- What was that?"), "glass shatters loudly"),
    ],
)
def test_a_sound_over_two_cues_is_one(tags, texts, expected):
    assert tags(*texts) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- laughs]\n- What is it?", "laughs"),
        ("-[laughs\n-What is it?", "laughs"),
        ("JOHN: laughs]", "laughs"),
        (">> door slams]", "door slams"),
        ("]groans[", "groans"),
        (")door slams(", "door slams"),
        ("- ]dog barks[", "dog barks"),
        ("**door creaks**", "door creaks"),
        ("***sighs***", "sighs"),
    ],
)
def test_damaged_brackets_still_hold_sounds(tags, text, expected):
    assert tags(text) == [expected]


@pytest.mark.parametrize(
    "text", ["Plan A) we wait.", "1) Dogs bark.", "I **never** said that.", "a ] b [ c", ") and ("]
)
def test_stray_brackets_of_speech_are_no_sound(tags, text):
    assert tags(text) == []


@pytest.mark.parametrize("text", ["<door slams>", "*** door slams ***", "** door slams **", "((door slams))"])
def test_other_marks_of_sounds(tags, text):
    assert tags(text) == ["door slams"]


@pytest.mark.parametrize(
    "texts",
    [("He said (while laughing", "loudly) that he knew."), ("We (the people", "who shout) are here.")],
)
def test_half_an_aside_is_no_sound(tags, texts):
    assert tags(*texts) == []
