"""Roll-up captions in formats that do not say so: each row once, at its first time."""

import pytest

from avtool.media.captions.cue import Cue
from avtool.media.captions.writing import render_captions
from tests.unit.media.captions.read_text import read, shown

GROWING = [
    Cue(1000, 3000, ("[crowd cheering]",)),
    Cue(3000, 5000, ("[crowd cheering]", "GOOD EVENING.")),
    Cue(5000, 7000, ("GOOD EVENING.", "TONIGHT WE BEGIN")),
    Cue(7000, 9000, ("TONIGHT WE BEGIN", "[music]")),
]
ONCE = ["[crowd cheering]", "GOOD EVENING.", "TONIGHT WE BEGIN", "[music]"]


def as_ass(cues) -> str:
    clock = [f"0:00:{ms / 1000:05.2f}" for cue in cues for ms in (cue.start_ms, cue.end_ms)]
    rows = zip(clock[::2], clock[1::2], cues, strict=True)
    return "[Events]\n" + "\n".join(
        f"Dialogue: 0,{begin},{end},Default,,0,0,0,," + r"\N".join(cue.lines) for begin, end, cue in rows
    )


def as_sbv(cues) -> str:
    def clock(ms: int) -> str:
        return f"0:00:{ms / 1000:06.3f}"

    return "\n\n".join("\n".join((f"{clock(cue.start_ms)},{clock(cue.end_ms)}", *cue.lines)) for cue in cues)


WRITERS = {
    "srt": lambda cues: render_captions(cues, "srt"),
    "vtt": lambda cues: render_captions(cues, "vtt"),
    "ass": as_ass,
    "sbv": as_sbv,
}


@pytest.mark.parametrize("format_", WRITERS)
def test_rows_of_any_format_are_given_once(format_):
    captions = read(WRITERS[format_](GROWING))
    assert [cue.text for cue in captions.cues] == ONCE
    assert [cue.start_ms for cue in captions.cues] == [1000, 3000, 5000, 7000]
    assert captions.repairs["row repeated by roll-up skipped"] == 3


@pytest.mark.parametrize("gap", [-200, 1, 10, 90])
def test_small_gaps_and_overlaps_of_conversions_do_no_harm(gap):
    cues = [Cue(cue.start_ms, cue.end_ms - gap, cue.lines) for cue in GROWING]
    assert [cue.text for cue in read(render_captions(cues, "srt")).cues] == ONCE


def test_a_row_that_grows_word_by_word_is_shown_whole_from_its_first_word():
    cues = [
        Cue(1000, 1500, ("GOOD",)),
        Cue(1500, 2000, ("GOOD EVENING",)),
        Cue(2000, 3000, ("GOOD EVENING AND",)),
        Cue(3000, 4000, ("GOOD EVENING AND", "[app")),
        Cue(4000, 5000, ("GOOD EVENING AND", "[applause]")),
    ]
    captions = read(render_captions(cues, "srt"))
    assert shown(captions) == [(1000, 3000, "GOOD EVENING AND"), (3000, 5000, "[applause]")]
    assert captions.repairs["row that grew joined"] == 3


@pytest.mark.parametrize(
    "lines",
    [
        [("[dog barking]",), ("[dog barking]",), ("[dog barking]",)],
        [("No.",), ("No.",), ("Yes.",), ("No.", "Yes.")],
        [("♪",), ("♪", "Hello"), ("Good day.",), ("Well?",), ("So.",), ("Then go.",), ("I will.",)],
    ],
)
def test_repetition_in_ordinary_captions_is_kept(lines):
    cues = [Cue(1000 * n, 1000 * n + 1000, text) for n, text in enumerate(lines)]
    assert [cue.lines for cue in read(render_captions(cues, "srt")).cues] == lines


def test_word_times_are_kept_with_their_places():
    text = (
        "WEBVTT\n\n00:00:05.000 --> 00:00:08.000\n"
        "with<00:00:06.000><c> the</c><00:00:06.500><c> [Applause]</c>\n"
    )
    (cue,) = read(text).cues
    assert cue.text == "with the [Applause]"
    assert cue.word_times == ((5, 6000), (9, 6500))


def test_word_times_follow_their_row_when_the_row_above_goes():
    rows = ["a<00:00:01.500><c> b</c>", "a b\nc<00:00:03.500><c> [d]</c>", "c [d]\ne<00:00:05.500><c> f</c>"]
    blocks = [f"00:00:0{2 * n + 1}.000 --> 00:00:0{2 * n + 3}.000\n{row}" for n, row in enumerate(rows)]
    cues = read("WEBVTT\n\n" + "\n\n".join(blocks)).cues
    assert [(cue.text, cue.word_times) for cue in cues] == [
        ("a b", ((2, 1500),)),
        ("c [d]", ((2, 3500),)),
        ("e f", ((2, 5500),)),
    ]
