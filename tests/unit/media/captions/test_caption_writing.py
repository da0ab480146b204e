"""What is written is read back exactly."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Cue
from avtool.media.captions.markup import plain_text
from avtool.media.captions.reading import read_captions
from avtool.media.captions.rolling import rolls
from avtool.media.captions.writing import render_captions, write_captions
from tests.unit.media.captions.read_text import read

CUES = [
    Cue(1000, 2500, ("[door slams]",)),
    Cue(3000, 4000, ("♪ Salt & pepper ♪", "3 < 4 > 2"), italic=True, voice="Bob & Co"),
    Cue(3_599_999, 3_600_000, ("-->", "00:00:01,000 --> 00:00:02,000")),
]


def test_webvtt_as_text():
    assert render_captions(CUES, "vtt") == (
        "WEBVTT\n\n"
        "00:00:01.000 --> 00:00:02.500\n[door slams]\n\n"
        "00:00:03.000 --> 00:00:04.000\n<v Bob &amp; Co><i>♪ Salt &amp; pepper ♪\n3 &lt; 4 &gt; 2</i></v>\n\n"
        "00:59:59.999 --> 01:00:00.000\n--&gt;\n00:00:01,000 --&gt; 00:00:02,000\n"
    )


def test_subrip_as_text():
    assert render_captions(CUES, "srt") == (
        "1\n00:00:01,000 --> 00:00:02,500\n[door slams]\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\n<i>♪ Salt & pepper ♪\n3 < 4 > 2</i>\n\n"
        "3\n00:59:59,999 --> 01:00:00,000\n-->\n00:00:01,000 --&gt; 00:00:02,000\n"
    )


@pytest.mark.parametrize("format_", ["srt", "vtt"])
def test_no_cues(format_):
    assert render_captions([], format_) == {"srt": "", "vtt": "WEBVTT\n"}[format_]
    assert render_captions([Cue(0, 1, ("\u200b",))], format_) == {"srt": "", "vtt": "WEBVTT\n"}[format_]


# Words, and whatever a format could take for its own.
PIECES = [
    "a", "Hello", "7", "[door slams]", "♪", "&", "&amp;", "&#33;", "<", ">", "<i>", "</i>", "<v Bob>", "<b",
    "-->", "00:00:01,000 --> 00:00:02,000", "00:01.000 -->", "{\\an8}", "{\\i1}", "{", "\\N", "\\", "NOTE",
    "WEBVTT", "STYLE", "Region:", "{y:i}", "|", "é", "字", " ", "  ", "'", '"', "->",
]  # fmt: skip
line_texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), min_size=1, max_size=6).map(
    "".join
)
lines = st.lists(line_texts, min_size=1, max_size=3).map(lambda texts: plain_text("\n".join(texts)).lines)
voices = line_texts.map(lambda text: " ".join(" ".join(plain_text(text).lines).split()))


@st.composite
def cue_lists(draw):
    cues = []
    start = 0
    for text in draw(st.lists(lines.filter(bool), min_size=1, max_size=5)):
        start += draw(st.integers(0, 10_000_000))
        end = start + draw(st.integers(1, 10_000))
        cues.append(Cue(start, end, text, draw(st.booleans()), draw(voices)))
    return cues


@settings(deadline=None, max_examples=300)
@given(cue_lists())
def test_webvtt_round_trip(cues):
    assume(not rolls(cues))
    assert list(read(render_captions(cues, "vtt")).cues) == cues


@settings(deadline=None, max_examples=300)
@given(cue_lists())
def test_subrip_round_trip(cues):
    assume(not rolls(cues))
    without_voices = [Cue(cue.start_ms, cue.end_ms, cue.lines, cue.italic) for cue in cues]
    assert list(read(render_captions(cues, "srt")).cues) == without_voices


@pytest.mark.parametrize("name", ["a.vtt", "a.SRT", "deep/er/a.vtt"])
def test_a_file(tmp_path, name):
    path = tmp_path / name
    write_captions(CUES[:1], path)
    assert read_captions(path).cues == tuple(CUES[:1])
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # no partial file is left


def test_the_format_can_be_given(tmp_path):
    write_captions(CUES, tmp_path / "captions", format="vtt")
    assert read_captions(tmp_path / "captions").format == "vtt"


@pytest.mark.parametrize("name", ["a.ass", "a", "a.txt"])
def test_other_formats_are_refused(tmp_path, name):
    with pytest.raises(BadInputError, match="cannot be written as"):
        write_captions(CUES, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInputError, match="cannot write"):
        write_captions(CUES, tmp_path / "file" / "a.srt")
