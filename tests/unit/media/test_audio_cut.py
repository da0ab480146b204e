"""Clips hold exactly the samples of the film that they name."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from avtool.core.errors import BadInputError
from avtool.media.audio_cut import clip_bounds, decode_audio, encode_audio, write_clip
from tests.unit.media.media_samples import RATE, make_chirp

SOUND = make_chirp(10)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize(
    ("start", "end", "first", "past"),
    [
        (0.0, 1.0, 0, 16000),
        (2.5, 3.25, 40000, 52000),
        (1.00003, 1.50004, 16000, 24001),
        (-1.0, 0.5, 0, 8000),
        (9.5, 30.0, 152000, 160000),
    ],
)
def test_clip_is_a_slice(
    tmp_path: Path, suffix: str, start: float, end: float, first: int, past: int
) -> None:
    path = tmp_path / "clips" / f"door{suffix}"
    assert write_clip(SOUND, RATE, start, end, path) == (first / RATE, past / RATE)
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    assert soundfile.info(path).subtype == "PCM_16"
    np.testing.assert_array_equal(samples, SOUND[first:past])
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_format_may_differ_from_the_suffix(tmp_path: Path) -> None:
    write_clip(SOUND, RATE, 0, 1, tmp_path / "clip.bin", "flac")
    assert soundfile.info(tmp_path / "clip.bin").format == "FLAC"


@given(st.integers(1, 10**7), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_bounds_lie_in_the_film_and_within_a_sample_of_the_request(
    num_samples: int, start: float, end: float
) -> None:
    try:
        first, past = clip_bounds(num_samples, RATE, start, end)
    except BadInputError:
        assert end <= start + 1 / RATE or end * RATE < 1 or start * RATE > num_samples - 1
        return
    assert 0 <= first < past <= num_samples
    assert first == 0 or abs(first / RATE - start) <= 0.5 / RATE + 1e-9
    assert past == num_samples or abs(past / RATE - end) <= 0.5 / RATE + 1e-9


def test_span_outside_of_the_film_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BadInputError, match=r"from 12\.000 to 13\.000 s has no audio: the film's lasts 10\.000 s"
    ):
        write_clip(SOUND, RATE, 12, 13, tmp_path / "clip.wav")
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "clips").write_text("a file")
    with pytest.raises(BadInputError, match="cannot write"):
        write_clip(SOUND, RATE, 0, 1, tmp_path / "clips" / "clip.wav")


@pytest.mark.parametrize(("kind", "subtype"), [("MP3", "MPEG_LAYER_III"), ("FLAC", "PCM_16")])
def test_audio_encoded_in_memory_is_that_of_a_file(tmp_path, kind, subtype):
    samples = (8000 * np.sin(np.arange(16000) / 20)).astype(np.int16)
    soundfile.write(tmp_path / "a", samples, 16000, format=kind, subtype=subtype)
    content = encode_audio(samples, 16000, kind, subtype)
    assert content == (tmp_path / "a").read_bytes()
    found, rate = decode_audio(content, "int16")
    assert rate == 16000
    np.testing.assert_array_equal(found, soundfile.read(tmp_path / "a", dtype="int16")[0])
