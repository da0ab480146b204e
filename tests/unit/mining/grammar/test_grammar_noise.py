"""What stands in captions and is no sound: manner, language, signs, credits, asides, markup."""

import pytest

from avtool.media.captions.cue import Cue
from avtool.mining.grammar import parse_cues


@pytest.mark.parametrize(
    "manner",
    [
        "(softly)",
        "[sarcastically]",
        "(over radio)",
        "(on phone)",
        "[through P.A. system]",
        "(in French)",
        "[speaking French]",
        "(with Scottish accent)",
        "(French accent)",
        "[in a high-pitched voice]",
        "[gruff voice]",
        "(quietly and sternly)",
        "(distorted)",
        "(to Bob)",
        "(to himself)",
        "(cont'd)",
        "(V.O.)",
        "[indistinct]",
        "(in unison)",
        "[in distance]",
    ],
)
@pytest.mark.parametrize("text", ["{} Come here.", "Come here {}.", "JOHN {}: Come here.", "{}\nCome here."])
def test_manner_is_an_attribute_of_speech(parse, manner, text):
    parsed = parse(text.format(manner))
    assert not parsed.tags
    assert [span.text for span in parsed.dialogue] == ["Come here."]


@pytest.mark.parametrize(
    "text",
    [
        "[speaking French]",
        "(speaks Spanish)",
        "[man speaking Spanish]",
        "[both speaking Mandarin]",
        "[speaking foreign language]",
        "[speaking in alien language]",
        "[speaking Minionese]",
        "[Kevin speaks Minionese]",
        "[SPEAKING GERMAN]",
        "[in Russian]",
        "[French]",
        "[speaking gibberish]",
        "[man speaking French over radio]",
        "[conversing in Italian]",
        "[foreign language]",
    ],
)
def test_a_language_is_no_sound(parse, text):
    parsed = parse(text)
    assert not parsed.tags
    assert parsed.counts == {"spoken language": 1}


@pytest.mark.parametrize(
    "text",
    [
        "[soldiers shouting in German]",
        "[singing in French]",
        "[speaking indistinctly]",
        "[French music playing]",
    ],
)
def test_a_sound_with_a_language_is_a_sound(tags, text):
    assert tags(text) == [text[1:-1].lower()]


@pytest.mark.parametrize(
    "text", ["(softly)", "[stops]", "[over radio]", "[in distance]", "[muffled]", "[accent]"]
)
def test_manner_alone_is_no_sound(tags, text):
    assert tags(text) in ([], ["accent"])


@pytest.mark.parametrize(
    "text",
    [
        "[LONDON, 1942]",
        "(Two years later)",
        "[three hours earlier]",
        "[Present day]",
        "(Chapter three)",
        "(to be continued)",
        "[Monday, 9 a.m.]",
        "[March 3]",
        "(THE NEXT MORNING)",
        "[ROOM 12]",
        "[POLICE STATION]",
        "[6:30 a.m.]",
    ],
)
def test_a_sign_in_brackets_is_to_be_read(parse, text):
    parsed = parse(text)
    assert not parsed.tags
    assert not parsed.dialogue
    assert parsed.counts == {"on-screen text": 1}


def test_capitals_between_sounds_in_small_letters_are_a_sign(parse):
    parsed = parse(*["[door slams]", "[dog barks]", "[sighs]", "[wind howling]", "[phone rings]"], "[PARIS]")
    assert len(parsed.tags) == 5
    assert parsed.counts["on-screen text"] == 1


def test_a_year_in_a_sound_is_part_of_the_sound(tags):
    assert tags("[1950s jazz music playing]", "[1812 overture playing]") == [
        "1950s jazz music playing",
        "1812 overture playing",
    ]


@pytest.mark.parametrize(
    "text", ["(enters)", "[John nods]", "(she smiles)", "(beat)", "[pause]", "[silence]", "(waves)"]
)
def test_a_stage_direction_is_to_be_seen(parse, text):
    parsed = parse(text)
    assert not parsed.tags
    assert parsed.counts == {"stage direction": 1}


@pytest.mark.parametrize(
    "text",
    [
        "Subtitles by Jane Doe",
        "English subtitles by Jane Doe",
        "Captioning by Example Media",
        "Captioned by the Example Foundation",
        "Synced and corrected by somebody",
        "Sync & corrections by somebody",
        "Subtitles: Jane Doe",
        "English - US - SDH",
        "English (SDH)",
        "www.example.com",
        "https://example.com/film?id=3",
        "© 2010 Example Pictures",
        "[Captioned by Example Media]",
        "- Transcript by Jane -",
    ],
)
def test_credits_are_neither_dialogue_nor_sound(parse, text):
    parsed = parse(text)
    assert not parsed.tags
    assert not parsed.dialogue
    assert parsed.counts["credit"] == 1


@pytest.mark.parametrize(
    "text", ["Provided by the state.", "Ripped from the page.", "The captions were wrong."]
)
def test_sentences_with_words_of_credits_are_dialogue(words, text):
    assert words(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "I heard (or dreamed) it.",
        "He said (and laughed) that it was fine.",
        "He left (and slammed the door).",
        "Any wish(es) today?",
        "(s)he said so.",
        "[He] said so.",
        "He said [it] was fine.",
        "The film (which I love) is old.",
        "I love it (the music, I mean).",
        "[...] and so on.",
        "Call (555) 123-4567 now.",
        "[1] See below.",
        "She wants (both) of them.",
        "I really (really) mean it.",
        "I *never* said that.",
        "What the f**k?",
        "f(x) = 2",
    ],
)
def test_brackets_of_a_sentence_stay_dialogue(parse, text):
    parsed = parse(text)
    assert not parsed.tags
    assert [span.text for span in parsed.dialogue] == [text]


@pytest.mark.parametrize(
    "text", ["They recieve [sic] it.", "What the [bleep] is this?", "Son of a [expletive deleted]!"]
)
def test_an_editors_word_is_no_sound(parse, text):
    parsed = parse(text)
    assert not parsed.tags
    assert len(parsed.dialogue) == 1


def test_a_bleep_alone_is_heard(tags):
    assert tags("[bleep]") == ["bleep"]


def test_language_codes_at_line_starts(parse):
    parsed = parse("[en] Hello [door slams]", "[rus] Привет\n[eng] Hello\n[jbo] coi", "[en-GB] Hello")
    assert [tag.text for tag in parsed.tags] == ["door slams"]
    assert parsed.counts["language code"] == 5
    assert parsed.dialogue[1].text == "Привет Hello coi"


def test_unknown_language_codes_are_known_by_their_number(parse):
    assert parse("[qqx] Foo\n[zzy] Bar", "[qqx] Foo\n[zzy] Bar").counts["language code"] == 4


@pytest.mark.parametrize(
    "text",
    [
        "➡ Hello",
        "{\\an8}Hello",
        "<i>Hello</i>",
        '<font color="#fff">Hello</font>',
        "\ufeffHello",
        "☎Hello",
        "Hello➡",
    ],
)
def test_markup_and_symbols_are_dropped(words, text):
    assert words(text) == ["Hello"]


def test_a_cue_as_long_as_a_book_is_dialogue(tagger):
    parsed = parse_cues([Cue(0, 1000, ("(a) " * 1000,))], tag=tagger.tag)
    assert not parsed.tags
    assert len(parsed.dialogue) == 1


def test_no_cues_are_no_captions(tagger):
    parsed = parse_cues([], tag=tagger.tag)
    assert (parsed.tags, parsed.dialogue, parsed.counts, parsed.style) == ((), (), {}, "plain")


@pytest.mark.parametrize(
    "text",
    [
        "[VIDEO PLAYBACK]",
        "[BLANK_AUDIO]",
        "[END PLAYBACK]",
        "[START OF VIDEO CLIP]",
        "[END OF TAPE]",
        "[COMMERCIAL BREAK]",
        "[audio recording]",
        "[no speech]",
        "[NO_SPEECH]",
        "[SPEAKER_01]",
        "[crosstalk]",
        "[inaudible 00:12:34]",
        "[00:12:34]",
        "[technical difficulties]",
        "[foreign]",
    ],
)
def test_a_note_of_a_machine_or_a_transcriber_is_no_sound(parse, text):
    parsed = parse(text)
    assert not parsed.tags
    assert len(parsed.counts) == 1


@pytest.mark.parametrize(
    "text", ["[tape rewinding]", "[video game beeping]", "[recording crackles]", "[audio feedback]"]
)
def test_a_medium_that_sounds_is_no_marker(tags, text):
    assert tags(text) == [text[1:-1]]


@pytest.mark.parametrize(
    "text", ["[RECORDING]", "[VIDEO CLIP PLAYS]", "[tape playing]", "[FILM CLIP]", "[video]"]
)
def test_a_medium_alone_is_a_marker(parse, text):
    assert parse(text).counts == {"machine marker": 1}


def test_a_recording_that_speaks_is_a_speaker(parse):
    parsed = parse("[recording] Leave a message.")
    assert [(span.speaker, span.text) for span in parsed.dialogue] == [("recording", "Leave a message.")]
