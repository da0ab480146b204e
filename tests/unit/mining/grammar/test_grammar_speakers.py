"""Who speaks: labels, hyphens, chevrons, bracketed names; and colons that label nobody."""

import pytest

from avtool.media.captions.cue import Cue
from avtool.mining.grammar import parse_cues


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("JOHN: Come here.", "JOHN"),
        ("McGEE: Come here.", "McGEE"),
        ("O'BRIEN: Come here.", "O'BRIEN"),
        ("MAN 2: Come here.", "MAN 2"),
        ("JOHN'S MOM: Come here.", "JOHN'S MOM"),
        ("both: Come here.", "both"),
        ("Woman: Come here.", "Woman"),
        ("man on radio: Come here.", "man on radio"),
        ("(JOHN): Come here.", "JOHN"),
        ("[MAN 2]: Come here.", "MAN 2"),
        ("[MAN 2:] Come here.", "MAN 2"),
        ("[man] Come here.", "man"),
        ("[men 1] Come here.", "men 1"),
        ("[deep male voice] Come here.", "deep male voice"),
        ("[woman on TV] Come here.", "woman on TV"),
        ("[Terrill] Come here.", "Terrill"),
        ("[Mary Ann] Come here.", "Mary Ann"),
        ("[Henry on phone] Come here.", "Henry on phone"),
        ("(JOHN)\nCome here.", "JOHN"),
        ("JOHN:\nCome here.", "JOHN"),
        ("JOHN [on phone]: Come here.", "JOHN"),
        (">> JOHN: Come here.", "JOHN"),
        ("- JOHN: Come here.", "JOHN"),
        ("[VARIANT 1:] Come here.", "VARIANT 1"),
    ],
)
def test_a_label_names_the_speaker_and_is_not_spoken(parse, text, speaker):
    parsed = parse(text)
    assert not parsed.tags
    assert [(span.text, span.speaker) for span in parsed.dialogue] == [("Come here.", speaker)]


@pytest.mark.parametrize(
    "text",
    [
        "She had a hot new look: red hair.",
        "Remember: never again.",
        "In previous episodes:",
        "Trust me: I'll pour it all over you!",
        "It is 10:30 now.",
        "See http://example.org for more.",
        "He said: Hello.",
    ],
)
def test_a_colon_inside_a_sentence_labels_nobody(parse, text):
    (span,) = parse(text).dialogue
    assert (span.text, span.speaker) == (text, "")


def test_labels_in_capitals_follow_each_other_on_a_line(parse):
    spans = parse("JOHN: Yes. MARY: No.\nHe said: NO WAY: never.").dialogue
    assert [(span.speaker, span.text) for span in spans] == [
        ("JOHN", "Yes."),
        ("MARY", "No. He said: NO WAY: never."),
    ]


def test_a_name_that_labels_twice_is_a_label(parse):
    parsed = parse("Dolphin: Hello.", "Dolphin: Goodbye.", "dolphin: Really.", "Shark: Mine.")
    assert [span.speaker for span in parsed.dialogue] == ["Dolphin", "Dolphin", "dolphin", ""]


def test_two_words_are_a_label_in_capitals_but_not_a_sentence_in_a_file_of_capitals(parse):
    parsed = parse("I HAVE ONE RULE: NEVER LIE.", "MARY ANN: WHY?", "BECAUSE I SAY SO.")
    assert [span.speaker for span in parsed.dialogue] == ["", "MARY ANN", ""]


@pytest.mark.parametrize(
    "text", ["- Hi.\n- Hello.", "-Hi.\n-Hello.", "- Hi. - Hello.", "— Hi.\n— Hello.", ">> Hi.\n>> Hello."]
)
def test_hyphens_and_chevrons_change_the_speaker(parse, text):
    assert [(span.text, span.speaker) for span in parse(text).dialogue] == [("Hi.", "1"), ("Hello.", "2")]


@pytest.mark.parametrize("text", ["--and then he left.", "-5 degrees.", "Well-known.", "Wait - what is it?"])
def test_other_hyphens_are_dialogue(parse, text):
    (span,) = parse(text).dialogue
    assert (span.text, span.speaker) == (text, "")


def test_the_speakers_of_a_cue_share_its_time_by_what_they_say(parse):
    first, second = parse("- Yes\n- Yesyesyes").dialogue
    assert (first.start_ms, first.end_ms, second.start_ms, second.end_ms) == (0, 500, 500, 2000)


@pytest.mark.parametrize("text", ["[man]", "(woman)", "[men 1]", "[both]", "[crowd]", "[Nurse]", "JOHN:"])
def test_a_speaker_alone_is_no_sound_and_no_dialogue(parse, text):
    parsed = parse(text)
    assert not parsed.tags
    assert not parsed.dialogue


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("[man] [coughs] Hello.", "man"),
        ("(man)(coughs)", "man"),
        ("JOHN: [coughs]", "JOHN"),
        ("JOHN (coughs): Hello.", "JOHN"),
        ("[Proog] [coughs]", "Proog"),
        ("- Hello.\n- [coughs]", ""),
    ],
)
def test_a_sound_has_the_speaker_of_its_turn(parse, text, speaker):
    (tag,) = parse(text).tags
    assert (tag.text, tag.speaker) == ("coughs", speaker)


def test_a_voice_of_the_format_is_the_speaker(tagger):
    cues = [Cue(0, 2000, ("Hello. [sighs]",), voice="Boon"), Cue(3000, 4000, ("[Boon]",))]
    parsed = parse_cues(cues, tag=tagger.tag)
    assert [(span.text, span.speaker) for span in parsed.dialogue] == [("Hello.", "Boon")]
    assert [(tag.text, tag.speaker) for tag in parsed.tags] == [("sighs", "Boon")]


def test_a_capital_is_a_name_where_all_sounds_are_in_small_letters(parse):
    sounds = ["[door slams]", "[dog barks]", "[sighs]", "[wind howling]", "[phone rings]"]
    assert parse(*sounds, "[Rain] Hello.").dialogue[0].speaker == "Rain"


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("SHOUTING: Get out!", "shouting"),
        ("WHISPERS: Get out!", "whispers"),
        ("HE SHOUTS: Get out!", "he shouts"),
    ],
)
def test_a_label_that_is_a_verb_of_the_voice_is_a_sound(parse, text, sound):
    parsed = parse(text)
    assert [tag.text for tag in parsed.tags] == [sound]
    assert [span.text for span in parsed.dialogue] == ["Get out!"]


@pytest.mark.parametrize("name", ["JAMES", "KING", "HUGHES", "STERLING", "BELL"])
def test_names_that_look_like_verbs_are_names(parse, name):
    parsed = parse(f"{name}: Hello.")
    assert not parsed.tags
    assert parsed.dialogue[0].speaker == name


def test_a_verb_in_capitals_before_speech_is_a_sound_where_brackets_are_in_small_letters(parse):
    small = [
        "[door slams]",
        "[dog barks]",
        "[rain]",
        "[thunder]",
        "[bell rings]",
        "[wind]",
        "[applause]",
        "[sighs]",
    ]
    parsed = parse(*small, "(SIGHS) Yes.", "[Buzz] Hello.")
    assert [tag.text for tag in parsed.tags][8:] == ["sighs"]
    assert parsed.dialogue[-1].speaker == "Buzz"
