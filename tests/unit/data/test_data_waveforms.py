"""A span of sound is the same whether it is read alone or cut out of the whole, and from whatever file."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.core.errors import BadInputError
from avtool.data.clip_audio import read_clip_audio
from avtool.data.manifest import Clip
from avtool.media.audio_decode import iter_audio
from avtool.media.waveforms import read_waveform
from tests.harness import RATE, chirp, make_manifest, write_chirp, write_grey_film, write_sine


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_span_is_a_slice_of_the_whole(tmp_path, rate, suffix):
    path = write_chirp(tmp_path / f"a.{suffix}", 4.0, rate)
    whole = read_waveform(path, 0.0, 4.0)
    assert whole.shape == (4 * RATE,)
    for start, end in [(0.0, 1.0), (1.2345, 2.5), (3.5, 4.0)]:
        span = read_waveform(path, start, end)
        first = round(start * RATE)
        np.testing.assert_allclose(span, whole[first : first + round((end - start) * RATE)], atol=1e-6)


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_resampling_keeps_the_sound(tmp_path, rate):
    sound = read_waveform(write_chirp(tmp_path / "a.wav", 2.0, rate), 0.0, 2.0)
    inside = slice(200, -200)
    np.testing.assert_allclose(sound[inside], chirp(2.0)[inside], atol=2e-3)


def test_channels_are_averaged_and_many_are_mixed(tmp_path):
    left, right = chirp(1.0), np.zeros(RATE, np.float32)
    soundfile.write(tmp_path / "stereo.wav", np.stack([left, right], 1), RATE)
    np.testing.assert_allclose(read_waveform(tmp_path / "stereo.wav", 0.0, 1.0), left / 2, atol=1e-4)
    soundfile.write(tmp_path / "many.wav", np.stack([left] * 3, 1), RATE)
    np.testing.assert_allclose(read_waveform(tmp_path / "many.wav", 0.0, 1.0), left, atol=1e-3)


def test_rates_without_a_common_factor_are_read_too(tmp_path):
    sound = read_waveform(write_chirp(tmp_path / "a.wav", 2.0, 44101), 0.0, 2.0)
    np.testing.assert_allclose(sound[200:-200], chirp(2.0)[200:-200], atol=5e-3)


def test_the_sound_of_a_film(tmp_path):
    sound = read_waveform(write_grey_film(tmp_path / "film.mkv", 2.0), 0.5, 1.5)
    assert np.abs(np.corrcoef(sound, chirp(2.0)[RATE // 2 : 3 * RATE // 2])[0, 1]) > 0.95


def test_what_a_suffix_promises_is_not_believed(tmp_path):
    film = write_grey_film(tmp_path / "film.mkv", 1.0)
    wrong = film.rename(tmp_path / "film.wav")
    assert read_waveform(wrong, 0.0, 0.5).shape == (RATE // 2,)


def test_a_clip_keeps_its_length_where_its_file_is_shorter(tmp_path):
    write_chirp(tmp_path / "a.wav", 0.5)
    manifest = make_manifest(tmp_path, [Clip("a", "a.wav", 0.0, 2.0), Clip("b", "a.wav", 1.0, 2.0)])
    sound = read_clip_audio(manifest, manifest[0].audio)
    assert sound.shape == (2 * RATE,)
    assert not sound[RATE // 2 :].any()
    with pytest.raises(BadInputError, match="has no audio from 1 s on"):
        read_clip_audio(manifest, manifest[1].audio)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"RIFF....no")
    with pytest.raises(BadInputError, match="is not a readable film or audio file"):
        read_waveform(tmp_path / "bad.wav", 0.0, 1.0)
    with pytest.raises(BadInputError, match="does not exist"):
        read_waveform(tmp_path / "none.wav", 0.0, 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".caf"])
def test_samples_that_are_no_numbers_are_refused_by_every_reader(
    tmp_path: Path, value: float, subtype: str, suffix: str
) -> None:
    samples = np.zeros((1600, 2))
    samples[800, 1] = value
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, samples, 16000, subtype=subtype)
    for read in (lambda: read_waveform(path, 0.0, 0.1), lambda: list(iter_audio(path, 8000))):
        with pytest.raises(BadInputError, match=r"a\.\w+` holds samples that are no finite numbers"):
            read()


@pytest.mark.parametrize("peak", [1.0, 1.5, 32768.0])
def test_samples_beyond_full_scale_are_clipped_by_every_reader(tmp_path: Path, peak: float) -> None:
    path = tmp_path / "loud.wav"
    soundfile.write(path, peak * np.sign(np.sin(np.arange(4000) / 9)), 16000, subtype="DOUBLE")
    here, there = read_waveform(path, 0.0, 1.0), np.concatenate(list(iter_audio(path))) / 32768
    assert abs(here).max() <= 1
    np.testing.assert_allclose(here, there, atol=1e-4)


@pytest.mark.parametrize(
    ("whole", "data"),
    [(0, None), (None, 0), (0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (None, 0xFFFFFFFF), (0x7FFFFFFF, 0x7FFFFFDB)],
)
def test_streamed_wavs_have_one_length_in_every_reader(tmp_path: Path, whole: int, data: int) -> None:
    path = write_sine(tmp_path / "streamed.wav")
    content = bytearray(path.read_bytes())
    for place, size in ((4, whole), (content.index(b"data") + 4, data)):
        if size is not None:
            content[place : place + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)
    assert sum(map(len, iter_audio(path))) == 8000
    assert len(read_waveform(path, 0.0, 10.0)) == 8000
    assert len(read_waveform(path, 0.25, 10.0)) == 4000
