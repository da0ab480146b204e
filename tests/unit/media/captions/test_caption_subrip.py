"""SubRip as people write it."""

import pytest

from tests.unit.media.captions.read_text import read, shown

ONE = [(1000, 2000, "Hello")]


@pytest.mark.parametrize(
    ("time_line", "start", "end"),
    [
        ("00:00:01,000 --> 00:00:02,000", 1000, 2000),
        ("00:00:01.000 --> 00:00:02.000", 1000, 2000),
        ("0:0:1,5 --> 0:0:2,04", 1500, 2040),  # a decimal fraction, however short
        ("00:00:01'249 --> 00:00:03’251", 1249, 3251),
        ("00:00:01,0005 --> 00:00:02,0004", 1001, 2000),
        ("00:01 --> 00:02", 1000, 2000),
        ("1.5 --> 00:02.5", 1500, 2500),
        ("00:00:013,567 --> 00:00:14,901", 13567, 14901),
        ("00:00:01,000-->00:00:02,000", 1000, 2000),
        ("00:00:01,000\t--> \t00:00:02,000", 1000, 2000),
        ("00:00:01,000 -> 00:00:02,000", 1000, 2000),
        ("00:00:01,000 --> 00:00:02,000 X1:40 X2:600 Y1:20 Y2:50", 1000, 2000),
        ("123:00:00,000 --> 123:00:01,000", 442_800_000, 442_801_000),
        ("00:00:01:249 --> 00:00:03:251", 1249, 3251),
        ("00:00:01;249 --> 00:00:03;251", 1249, 3251),
        ("00:01:249 --> 00:03:251", 1249, 3251),
        ("00:00:01:05 --> 00:00:03:20", 1200, 3800),  # frames
        ("00:00:01,249.0999999999999 --> 00:00:02,251.79999999999995", 1249, 2252),
        ("00: 00: 01,249 -> 00: 00: 03,251", 1249, 3251),
        ("00 : 00 : 01 , 249 --> 00 : 00 : 03 , 251", 1249, 3251),
        ("00:00:01 249 --> 00:00:03 251", 1249, 3251),
        ("00.00.01,249 --> 00.00.03,251", 1249, 3251),
        ("00.00.01.249 --> 00.00.03.251", 1249, 3251),
        ("００：００：０１，２４９　－－＞　００：００：０３，２５１", 1249, 3251),
        ("00：00：01，249 --> 00：00：03，251", 1249, 3251),
        ("00:00:01,249 –> 00:00:03,251", 1249, 3251),
        ("00:00:01,249 => 00:00:03,251", 1249, 3251),
        ("00:00:01,249 - -> 00:00:03,251", 1249, 3251),
    ],
)
def test_time_lines(time_line, start, end):
    assert shown(read(f"1\n{time_line}\nHello\n")) == [(start, end, "Hello")]


@pytest.mark.parametrize(
    "text",
    [
        "00:00:01,000 --> 00:00:02,000\nHello",
        "\n\n\n1\n00:00:01,000 --> 00:00:02,000\nHello\n\n\n",
        "1\n00:00:01,000 --> 00:00:02,000\n\nHello\n",
        "one\n00:00:01,000 --> 00:00:02,000\nHello\n",
    ],
)
def test_missing_or_odd_indices_and_blank_lines(text):
    assert shown(read(text)) == ONE


def test_a_missing_blank_line_does_not_join_cues():
    captions = read("1\n00:00:01,000 --> 00:00:02,000\nHello\n2\n00:00:03,000 --> 00:00:04,000\n10\n")
    assert shown(captions) == [(1000, 2000, "Hello"), (3000, 4000, "10")]


def test_a_blank_line_inside_a_cue_belongs_to_it():
    captions = read(
        "1\n00:00:01,000 --> 00:00:02,000\nHello\n\nyou\n\n2\n00:00:03,000 --> 00:00:04,000\nBye\n"
    )
    assert shown(captions) == [(1000, 2000, "Hello\nyou"), (3000, 4000, "Bye")]
    assert captions.repairs == {"blank line inside a cue": 1}


def test_a_cue_whose_time_line_is_missing_is_counted_and_not_joined_to_another():
    text = "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\nLost\n\n3\n00:00:03,000 --> 00:00:04,000\nBye\n"
    captions = read(text)
    assert shown(captions) == [(1000, 2000, "Hello"), (3000, 4000, "Bye")]
    assert captions.repairs == {"cue without a time skipped": 1}


def test_numbers_that_are_text_stay():
    captions = read("1\n00:00:01,000 --> 00:00:02,000\n7\n\n2\n00:00:03,000 --> 00:00:04,000\n8\n9\n")
    assert shown(captions) == [(1000, 2000, "7"), (3000, 4000, "8\n9")]


def test_an_arrow_in_dialogue_is_no_time_line():
    captions = read("1\n00:00:01,000 --> 00:00:02,000\nPress A --> B\n")
    assert shown(captions) == [(1000, 2000, "Press A --> B")]


MULTILINGUAL = """[*] Translators: many

1
00:00:01,000 --> 00:00:02,000
[rus] Привет
[eng] [door slams]
Hello
[fra] Bonjour

2
00:00:03,000 --> 00:00:04,000
[rus] Пока
[eng] Bye
[fra] Salut

3
00:00:05,000 --> 00:00:06,000
[rus] Да
[fra] Oui
"""


@pytest.mark.parametrize(
    ("language", "found", "texts"),
    [
        ("en", "en", ["[door slams]\nHello", "Bye"]),
        ("fr", "fr", ["Bonjour", "Salut", "Oui"]),
        ("ja", "ru", ["Привет", "Пока", "Да"]),
    ],
)
def test_of_several_languages_one_is_read(language, found, texts):
    captions = read(MULTILINGUAL, language=language)
    assert (captions.format, captions.language) == ("msrt", found)
    assert [cue.text for cue in captions.cues] == texts
    assert captions.repairs["line in another language skipped"] == 8 - len(texts)


def test_speakers_in_brackets_are_no_languages():
    text = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n[man] Hi\n[dad] Hey\n\n" for n in range(1, 5))
    captions = read(text)
    assert captions.format == "srt"
    assert {cue.text for cue in captions.cues} == {"[man] Hi\n[dad] Hey"}


@pytest.mark.parametrize("line", ["5 → 6", "a => b", "Press A --> B", "x => 1.5", "Rooms 1 → 2"])
def test_arrows_of_speech_are_no_time_lines(line):
    assert shown(read(f"1\n00:00:01,000 --> 00:00:02,000\n{line}\n")) == [(1000, 2000, line)]


CUES = "1\n00:00:01,000 --> 00:00:02,000\nHello\nyou\n\n2\n00:00:03,000 --> 00:00:04,000\n7\n"


@pytest.mark.parametrize("end", ["\n\n", "\n\n\n", "\r\r\n", "\r\n\r\n", "\n \n", "\r\r\r\n"], ids=repr)
def test_doubled_line_ends_are_undone(end):
    captions = read(CUES.replace("\n", end))
    assert shown(captions) == [(1000, 2000, "Hello\nyou"), (3000, 4000, "7")]


def test_one_blank_line_between_all_parts_of_cues_is_no_end_of_a_cue():
    captions = read(CUES.replace("you\n", "").replace("\n\n", "\n").replace("\n", "\n\n"))
    assert shown(captions) == [(1000, 2000, "Hello"), (3000, 4000, "7")]


def test_word_times_of_converted_captions_are_no_text():
    text = "1\n00:00:05,000 --> 00:00:08,000\nwith<00:00:06.000><c> the</c><00:00:06.500><c> [Applause]</c>\n"
    (cue,) = read(text).cues
    assert (cue.text, cue.word_times) == ("with the [Applause]", ((5, 6000), (9, 6500)))
