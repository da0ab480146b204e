"""WebVTT: what the standard keeps is never lost, what it drops is read or counted."""

import pytest

from avtool.core.errors import BadInputError
from tests.unit.media.captions.read_text import read, shown


def test_notes_styles_regions_and_identifiers_are_no_text():
    captions = read("""WEBVTT - a title
Kind: captions
Language: en-GB

STYLE
::cue(b) { color: red; }

REGION
id:fred

NOTE
a remark --> not a time

intro
00:01.000 --> 00:02.000 region:fred align:left
Hello

NOTE between

00:03.000 --> 00:04.000
NOTE is text here
""")
    assert shown(captions) == [(1000, 2000, "Hello"), (3000, 4000, "NOTE is text here")]
    assert captions.language == "en-GB"
    assert captions.cues[0].style == "fred"
    assert captions.repairs == {}


def test_voices():
    captions = read("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Bob>Hello &amp; welcome</v>\n")
    assert (captions.cues[0].voice, captions.cues[0].text) == ("Bob", "Hello & welcome")


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("WEBVTT", []),
        ("WEBVTT\n00:01.000 --> 00:02.000\nright below\n", [(1000, 2000, "right below")]),
        ("WEBVTT 00:01.000 --> 00:02.000\ntitle\n", []),
        ("WEBVTT\n\n00:01.000 --> 00:02.000line:40%\nHi", [(1000, 2000, "Hi")]),
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\nA\n00:02.000 --> 00:03.000\nB",
            [(1000, 2000, "A"), (2000, 3000, "B")],
        ),
        ("WEBVTT\n\n1:00:00.46 --> 1:00:01\nHi", [(3_600_460, 3_601_000, "Hi")]),
    ],
)
def test_shapes(text, cues):
    assert shown(read(text)) == cues


def test_text_below_a_blank_line_is_left_out_and_counted():
    captions = read("WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n\nlost\n\n00:03.000 --> 00:04.000\nBye\n")
    # the line right above a time line is that cue's identifier
    assert shown(captions) == [(1000, 2000, "Hello"), (3000, 4000, "Bye")]
    captions = read(
        "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n\nlost\nwords\n\n00:03.000 --> 00:04.000\nBye\n"
    )
    assert shown(captions) == [(1000, 2000, "Hello"), (3000, 4000, "Bye")]
    assert captions.repairs == {"text outside of cues skipped": 1}


def test_text_above_the_first_cue_is_counted():
    captions = read("WEBVTT\n\nlost\nwords\n\nNOTE fine\n\n00:01.000 --> 00:02.000\nHello\n")
    assert shown(captions) == [(1000, 2000, "Hello")]
    assert captions.repairs == {"text outside of cues skipped": 1}


def test_a_cue_that_begins_with_a_blank_line_keeps_its_text():
    captions = read(
        "WEBVTT\n\n00:00.000 --> 00:01.000\n\none\n\ntwo\nthree\n\n00:02.000 --> 00:03.000\nfour\n"
    )
    assert shown(captions) == [(0, 1000, "one\ntwo\nthree"), (2000, 3000, "four")]


def test_unreadable_times_are_counted_and_a_readable_start_is_enough():
    captions = read("""WEBVTT

0.0.0 --> 00:05.000
lost

00:06.000 --> 00:0x
end mended

00:08.000 --> 00:09.000
fine
""")
    assert shown(captions) == [(6000, 8000, "end mended"), (8000, 9000, "fine")]
    assert captions.repairs == {"unreadable time, cue skipped": 1, "no end time": 1}


def test_a_file_without_any_readable_cue_is_refused_with_the_first_bad_line():
    with pytest.raises(BadInputError) as caught:
        read("WEBVTT\n\nx00:01.000 --> 00:02.000\nHello\n")
    assert "film.captions (vtt, utf-8): line 3 is `x00:01.000 --> 00:02.000`" in caught.value.message


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("WEBVTT\nKind: metadata\n\n00:01.000 --> 00:02.000\nx\n", "of metadata"),
        ("WEBVTT\nKind: chapters\n\n00:01.000 --> 00:02.000\nPart 1\n", "of chapters"),
        ('WEBVTT\n\n00:01.000 --> 00:02.000\n{"src": "a.png"}\n', "of metadata (JSON)"),
    ],
)
def test_tracks_that_are_no_captions_are_refused(text, what):
    with pytest.raises(BadInputError, match="WebVTT file") as caught:
        read(text)
    assert what in caught.value.message


@pytest.mark.parametrize(
    ("header", "offset"),
    [
        ("X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000", 10.0),
        ("X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:04.000", 6.0),
        ("X-TIMESTAMP-MAP=nonsense", None),
        ("Kind: captions", None),
    ],
)
def test_the_transport_stream_clock_is_recorded(header, offset):
    captions = read(f"WEBVTT\n{header}\n\n00:01.000 --> 00:02.000\nHello\n")
    assert captions.mpegts_offset_s == offset
    assert shown(captions) == [(1000, 2000, "Hello")]
    assert ("unreadable X-TIMESTAMP-MAP" in captions.repairs) is ("nonsense" in header)


def test_automatic_captions_that_roll_up_give_each_row_once():
    text = """WEBVTT
Kind: captions
Language: en

00:00:00.000 --> 00:00:02.000 align:start position:0%
~
[Music]

00:00:02.000 --> 00:00:02.010 align:start position:0%
[Music]
~

00:00:02.010 --> 00:00:05.000 align:start position:0%
[Music]
hello<00:00:03.000><c> there</c>

00:00:05.000 --> 00:00:05.010 align:start position:0%
hello there
~

00:00:05.010 --> 00:00:07.000 align:start position:0%
hello there
hello<00:00:06.000><c> there</c>
"""
    captions = read(text.replace("~", " "))
    assert shown(captions) == [(0, 2000, "[Music]"), (2010, 5000, "hello there"), (5010, 7000, "hello there")]
    assert captions.repairs["row repeated by roll-up skipped"] == 4


def test_repeated_words_in_other_captions_stay():
    captions = read("WEBVTT\n\n00:01.000 --> 00:02.000\nNo.\n\n00:02.000 --> 00:03.000\nNo.\n")
    assert shown(captions) == [(1000, 2000, "No."), (2000, 3000, "No.")]
