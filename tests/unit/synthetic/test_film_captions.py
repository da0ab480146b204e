"""Captions of a script: the house styles, the timing, the file formats."""

import numpy as np
import pysubs2
import pytest

from avtool.core.errors import BadInputError
from avtool.synthetic.captions import STYLES, captions_of, style_named, write_captions
from avtool.synthetic.screenwriter import write_script
from avtool.synthetic.sounds import SyntheticSounds
from avtool.synthetic.speech import SyntheticSpeech


@pytest.fixture(scope="module")
def script():
    return write_script(np.random.default_rng(3), "film", 300.0, SyntheticSounds(), SyntheticSpeech())


def cues_in(style, script, seed=0):
    return captions_of(script, style_named(style), np.random.default_rng(seed))


@pytest.mark.parametrize("style", STYLES)
def test_every_sound_is_captioned_when_it_is_heard(style, script):
    cues = cues_in(style, script)
    for event in script.events:
        if event.kind == "sound":
            text = STYLES[style].bracketed(event.tag)
            starts = [cue.start_ms / 1000 for cue in cues if text in cue.lines]
            assert min(abs(start - event.start) for start in starts) < 0.6


@pytest.mark.parametrize("style", STYLES)
def test_cues_last_as_long_as_houses_allow_and_have_two_lines_or_three(style, script):
    for cue in cues_in(style, script):
        assert 820 <= cue.end_ms - cue.start_ms <= 7001
        assert 1 <= len(cue.lines) <= 3
        assert all(line.strip() == line != "" for line in cue.lines)


def test_starts_err_by_a_tenth_of_a_second(script):
    cues = cues_in("netflix", script)
    sounds = [event for event in script.events if event.kind == "sound"]
    errors = []
    for event in sounds:
        mine = [cue for cue in cues if cue.lines == (f"[{event.tag}]",)]
        errors += [e for cue in mine if abs(e := cue.start_ms / 1000 - event.start) < 1]
    assert len(errors) > 20
    assert 0.05 < np.std(errors) < 0.2


def test_discs_write_sounds_in_capitals_between_parentheses(script):
    lines = [line for cue in cues_in("disc", script) for line in cue.lines]
    tags = [event.tag.upper() for event in script.events if event.kind == "sound"]
    assert all(f"({tag})" in lines for tag in tags)
    assert not any("[" in line for line in lines)


def test_music_can_be_only_notes(script):
    lines = [line for cue in cues_in("notes", script) for line in cue.lines]
    assert lines.count("♪♪") == sum(event.kind == "music" for event in script.events) > 0


def test_the_bbc_writes_sounds_in_bare_capitals_and_songs_between_number_signs(script):
    lines = [line for cue in cues_in("bbc", script) for line in cue.lines]
    tags = [event.tag.upper() for event in script.events if event.kind == "sound"]
    assert all(tag in lines for tag in tags)
    assert any(line.startswith("# ") and line.endswith(" #") for line in lines)


def test_foreign_speech_is_named_and_not_spelled_out(script):
    text = " ".join(cue.text for cue in cues_in("netflix", script))
    assert "[speaking " in text


def test_an_unknown_style_is_refused_with_a_suggestion():
    with pytest.raises(BadInputError) as caught:
        style_named("netflx")
    assert "netflix" in caught.value.hint


@pytest.mark.parametrize("format_name", ["srt", "vtt", "ass", "ttml"])
def test_files_keep_times_and_text(format_name, script, tmp_path):
    cues = cues_in("notes", script)
    path = tmp_path / f"captions.{format_name}"
    write_captions(path, cues, format_name)
    read = pysubs2.load(str(path), encoding="utf-8")
    assert len(read) == len(cues)
    for event, cue in zip(read, cues, strict=True):
        assert event.plaintext == cue.text
        assert abs(event.start - cue.start_ms) <= 10  # ASS counts hundredths
        assert abs(event.end - cue.end_ms) <= 10
