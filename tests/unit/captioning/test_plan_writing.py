"""Captions as files: what is written is read back, and dialogue is passed on as it is."""

import csv

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from avtool.captioning.event import SoundEvent
from avtool.captioning.plan import plan_captions
from avtool.captioning.style import load_style
from avtool.captioning.writing import CUE_COLUMNS, write_cue_table, write_plan
from avtool.core.errors import BadInputError
from avtool.media.captions.reading import read_captions
from tests.unit.captioning.invariants import STYLES, dialogues, events

DOOR = SoundEvent(1.0, 1.2, "door slams", 0.9, "Slam")
FORMATS = ("vtt", "srt", "ttml", "json")


def bare(cues):
    return [(cue.start_ms, cue.end_ms, cue.lines, cue.top) for cue in cues]


@settings(max_examples=60, deadline=None)
@given(events(), STYLES, st.none() | dialogues())
def test_every_format_is_read_back_to_the_millisecond(tmp_path_factory, heard, style, dialogue):
    plan = plan_captions(heard, style, dialogue)
    assume(plan.cues)
    stem = tmp_path_factory.mktemp("captions") / "film.en-sdh"
    for path in write_plan(plan, stem, FORMATS, dialogue=dialogue, srt_position=True):
        again = read_captions(path, keep_rows=True)
        assert bare(again.cues) == bare(plan.cues), path.name
        assert path.name == f"film.en-sdh.{again.format}"


def test_the_webvtt_file_as_text(tmp_path):
    plan = plan_captions([DOOR, SoundEvent(5, 7, "Q & A bell rings", 0.8)], load_style("netflix"))
    (path,) = write_plan(plan, tmp_path / "film.en-sdh", note="yamnet, threshold 0.5 --> all")
    assert path.read_text() == (
        "WEBVTT\n\nNOTE yamnet, threshold 0.5 all\n\n"
        "1\n00:00:01.000 --> 00:00:01.834\n[door slams]\n\n"
        "2\n00:00:05.000 --> 00:00:07.000\n[Q &amp; A bell rings]\n"
    )


def test_subrip_leaves_out_what_it_cannot_place_unless_asked(tmp_path):
    srt = "1\n00:00:00,800 --> 00:00:04,000\n<i>Who</i> is\nthere?\n"
    dialogue = read_captions("d.srt", data=srt.encode(), keep_rows=True)
    plan = plan_captions([DOOR], load_style("netflix"), dialogue)
    (path,) = write_plan(plan, tmp_path / "a", ["srt"], dialogue=dialogue)
    assert path.read_text() == srt
    (path,) = write_plan(
        plan, tmp_path / "b", ["srt"], dialogue=dialogue, srt_position=True, crlf=True, bom=True
    )
    assert (
        path.read_bytes()
        == ("\ufeff" + srt + "\n2\n00:00:01,000 --> 00:00:01,834\n{\\an8}[door slams]\n")
        .replace("\n", "\r\n")
        .encode()
    )


def test_webvtt_dialogue_keeps_its_styles_settings_and_markup(tmp_path):
    vtt = (
        "WEBVTT\n\nSTYLE\n::cue(b) { color: red }\n\nREGION\nid:fred\n\n"
        "1\n00:00:01.000 --> 00:00:04.000 region:fred align:left\n<v Bob>Hello <b>you</b></v>\n"
    )
    dialogue = read_captions("d.vtt", data=vtt.encode(), keep_rows=True)
    plan = plan_captions([DOOR], load_style("netflix"), dialogue)
    (path,) = write_plan(plan, tmp_path / "a", dialogue=dialogue)
    assert path.read_text() == vtt.replace("<v Bob>", "[door slams]\n<v Bob>")


def test_the_table_for_the_editor(tmp_path):
    heard = [DOOR, SoundEvent(2, 2.1, "=1+1", 0.3), SoundEvent(3.5, 80, "rain falls", 0.75)]
    write_cue_table(plan_captions(heard, load_style("bbc")), tmp_path / "film.cues.csv")
    with (tmp_path / "film.cues.csv").open() as stream:
        rows = list(csv.reader(stream))
    assert tuple(rows[0]) == CUE_COLUMNS
    assert rows[1] == ["1.000", "2.000", "DOOR SLAMS", "0.900", "kept", "Slam", "1.000", "1.200"]
    assert rows[2][2:5] == ["'=1+1", "0.300", "dropped: rate"]
    assert rows[3][:2] == ["3.500", "8.500"]


def test_nothing_heard_gives_valid_files(tmp_path):
    plan = plan_captions([], load_style("netflix"))
    paths = write_plan(plan, tmp_path / "film", FORMATS)
    assert paths[0].read_text() == "WEBVTT\n"
    assert paths[1].read_text() == ""
    assert read_captions(paths[2]).cues == read_captions(paths[3]).cues == ()


def test_what_cannot_be_written_is_refused(tmp_path):
    plan = plan_captions([DOOR], load_style("netflix"))
    with pytest.raises(BadInputError, match="cannot be written as `ass`"):
        write_plan(plan, tmp_path / "film", ["vtt", "ass"])
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match=r"cannot write .*film\.vtt"):
        write_plan(plan, tmp_path / "file" / "film")
