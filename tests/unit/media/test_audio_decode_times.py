"""Decoded sound lies where its timestamps put it, whatever the container and the codec."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from avtool.media.audio_cut import write_clip
from avtool.media.audio_decode import decode_audio, decode_audio_array, iter_audio
from avtool.media.encode import FilmSettings, write_film
from avtool.media.probe import probe
from avtool.media.video_frames import read_frames
from tests.unit.media.media_samples import (
    RATE,
    Samples,
    lag_of,
    make_chirp,
    numbered_pictures,
    write_pcm,
    write_sound,
)

SECONDS = 6.0
CODECS = [
    ("sound.wav", "pcm_s16le", 48000, 0),
    ("sound.wav", "pcm_s16le", 44100, 0),
    ("sound.flac", "flac", 44100, 0),
    ("sound.m4a", "aac", 48000, 1),
    ("sound.m4a", "aac", 44100, 1),
    ("sound.mp3", "libmp3lame", 44100, 1),
    ("sound.ogg", "libopus", 48000, 1),
    ("sound.webm", "libopus", 48000, 8),
    ("sound.mkv", "aac", 48000, 8),
    ("sound.mkv", "ac3", 48000, 8),
]


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, int], Path]:
    """The chirp in a container of its own, encoded once."""

    @cache
    def encode(name: str, codec: str, rate: int) -> Path:
        path = tmp_path_factory.mktemp(codec) / name
        write_sound(path, codec, make_chirp(SECONDS, rate), rate)
        return path

    return encode


@pytest.mark.parametrize(("name", "codec", "rate", "tolerance"), CODECS)
def test_sample_n_is_time_n_over_rate(
    encoded: Callable[..., Path], tmp_path: Path, name: str, codec: str, rate: int, tolerance: int
) -> None:
    """Exact without loss, one sample in lossy codecs, half a millisecond in Matroska with its rounding."""
    track = decode_audio(encoded(name, codec, rate), tmp_path / "out.npy")
    assert abs(lag_of(track.open(), make_chirp(SECONDS))) <= tolerance
    assert track.complete
    assert track.warnings == ()


@pytest.mark.parametrize(("name", "codec", "rate", "tolerance"), CODECS)
def test_clip_holds_the_time_asked_for(
    encoded: Callable[..., Path], tmp_path: Path, name: str, codec: str, rate: int, tolerance: int
) -> None:
    track = decode_audio(encoded(name, codec, rate), tmp_path / "out.npy")
    assert write_clip(track.open(), RATE, 2.25, 4.5, tmp_path / "clip.wav") == (2.25, 4.5)
    clip, _ = soundfile.read(tmp_path / "clip.wav", dtype="int16")
    assert abs(lag_of(clip, make_chirp(SECONDS)[36000:72000])) <= tolerance


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".ts"])
def test_click_and_flash_of_one_moment_come_together(tmp_path: Path, suffix: str) -> None:
    """The film's clock is one clock, also where the container starts late or begins with encoder delay."""
    film = tmp_path / f"film{suffix}"
    pictures = [np.zeros((48, 64, 3), np.uint8) for _ in range(75)]
    pictures[50][:] = 255
    sound = np.zeros(3 * RATE, np.int16)
    sound[2 * RATE : 2 * RATE + 160] = make_chirp(5)[-160:]
    write_film(film, FilmSettings(fps=25, sample_rate=RATE), frames=pictures, audio=[sound])
    click = int(np.argmax(np.abs(decode_audio(film, tmp_path / "out.npy").open()) > 4000)) / RATE
    shown, times = read_frames(film, np.arange(0, 3, 0.01).tolist())
    flash = times[np.argmax(shown.mean(axis=(1, 2, 3)) > 128)]
    assert abs(click - flash) < 0.005


def remux(source: Path, target: Path) -> None:
    """Copies packets as they are, which turns MP4's encoder delay into a shift of everything by 21 ms."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        streams = {s.index: writer.add_stream_from_template(s) for s in reader.streams}
        for packet in reader.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                writer.mux(packet)


def test_matroska_made_of_mp4_keeps_its_shift(tmp_path: Path) -> None:
    write_film(
        tmp_path / "film.mp4",
        FilmSettings(fps=25, sample_rate=48000),
        frames=numbered_pictures(50),
        audio=[make_chirp(2, 48000)],
    )
    remux(tmp_path / "film.mp4", tmp_path / "film.mkv")
    video_shift = read_frames(tmp_path / "film.mkv", [0.0])[1][0]
    lag = lag_of(decode_audio(tmp_path / "film.mkv", tmp_path / "out.npy").open(), make_chirp(2))
    assert video_shift == pytest.approx(0.021)
    assert lag / RATE == pytest.approx(video_shift, abs=0.001)


def test_late_sound_begins_with_silence(tmp_path: Path) -> None:
    chirp = make_chirp(1)
    write_pcm(tmp_path / "film.nut", [(1.25, chirp)], pictures=10)
    sound = decode_audio(tmp_path / "film.nut", tmp_path / "out.npy").open()
    assert not sound[:20000].any()
    np.testing.assert_array_equal(sound[20000:], chirp)


def test_film_time_zero_is_the_container_start(tmp_path: Path) -> None:
    chirp = make_chirp(1)
    write_pcm(tmp_path / "film.nut", [(3600.5, chirp)])
    assert probe(tmp_path / "film.nut").start_s == 3600.5
    np.testing.assert_array_equal(decode_audio(tmp_path / "film.nut", tmp_path / "out.npy").open(), chirp)


def test_gaps_are_silent_and_reported(tmp_path: Path) -> None:
    chirp = make_chirp(3)
    write_pcm(tmp_path / "film.nut", [(0, chirp[:RATE]), (1.5, chirp[: RATE // 2]), (2.5, chirp[:RATE])])
    reporter = Recorder()
    track = decode_audio(tmp_path / "film.nut", tmp_path / "out.npy", reporter=reporter)
    silence = np.zeros(RATE // 2, np.int16)
    expected = np.concatenate([chirp[:RATE], silence, chirp[: RATE // 2], silence, chirp[:RATE]])
    np.testing.assert_array_equal(track.open(), expected)
    told = "1.00 s of audio are missing (2 gaps, the first at 0:00:01.00): left silent"
    assert track.warnings == (told,)
    assert reporter.warnings == [f"film.nut: {told}"]
    assert track.complete


def test_where_sound_overlaps_the_first_stays(tmp_path: Path) -> None:
    chirp = make_chirp(3)
    write_pcm(tmp_path / "film.nut", [(0, chirp[:RATE]), (0.5, chirp[RATE : 3 * RATE])])
    track = decode_audio(tmp_path / "film.nut", tmp_path / "out.npy")
    expected = np.concatenate([chirp[:RATE], chirp[RATE + RATE // 2 : 3 * RATE]])
    np.testing.assert_array_equal(track.open(), expected)
    assert track.warnings == ("0.50 s of audio at 0:00:00.50 overlapped what came before: cut",)


def test_rounded_timestamps_are_no_gaps(tmp_path: Path) -> None:
    """Matroska stores 23.22 ms frames at 23, 46, 70, … ms: counting goes on, nothing is torn apart."""
    chirp = make_chirp(4, 44100)
    write_pcm(
        tmp_path / "film.mkv", [(i / 44100, chirp[i : i + 1024]) for i in range(0, 170000, 1024)], 44100
    )
    track = decode_audio(tmp_path / "film.mkv", tmp_path / "out.npy")
    assert track.warnings == ()
    assert lag_of(track.open(), make_chirp(4)) == 0
    assert np.abs(np.diff(track.open()[:60000].astype(int))).max() < 12000  # no click


def test_jump_of_the_clock_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    write_pcm(tmp_path / "film.nut", [(0, make_chirp(1)), (1e9, make_chirp(1))])
    with pytest.raises(BadInputError, match=r"jump from 0:00:01\.00 to 277777:46:40\.00"):
        decode_audio(tmp_path / "film.nut", tmp_path / "out.npy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.nut"]


@pytest.mark.parametrize(("name", "codec", "rate", "tolerance"), CODECS)
@pytest.mark.parametrize(
    ("start", "duration"), [(0.0, 0.5), (1.0, 0.25), (2.37, 1.01), (5.5, 0.5), (5.9, 9.0)]
)
def test_short_span_equals_the_slice(
    encoded: Callable[..., Path],
    tmp_path: Path,
    name: str,
    codec: str,
    rate: int,
    tolerance: int,
    start: float,
    duration: float,
) -> None:
    rounded = tolerance > 1  # Matroska rounds the timestamp that a seek lands on to 1 ms
    out_rate = rate if rounded else RATE
    path = encoded(name, codec, rate)
    whole = decode_audio(path, tmp_path / "out.npy", sample_rate=out_rate).open()
    expected = whole[round(start * out_rate) :][: round(duration * out_rate)]
    span = decode_audio_array(path, start, duration, out_rate)
    if rounded:
        assert len(span) == pytest.approx(len(expected), abs=48)
        assert max(agreement_db(span, expected, shift) for shift in range(-48, 49)) > 40
    elif codec == "aac":  # it fills bands with noise, drawn anew
        assert len(span) == len(expected)
        assert agreement_db(span, expected) > 50
    else:
        np.testing.assert_array_equal(span, expected)


def agreement_db(span: Samples, expected: Samples, shift: int = 0) -> float:
    """How far the difference lies below the sound when `span` is moved by `shift` samples."""
    size = min(len(span), len(expected)) - 48
    moved, there = span[48 - shift : size - shift].astype(float), expected[48:size].astype(float)
    return float(10 * np.log10((there @ there) / (1e-9 + np.sum((moved - there) ** 2))))


def test_span_outside_of_the_film_is_empty(tmp_path: Path) -> None:
    write_sound(tmp_path / "sound.wav", "pcm_s16le", make_chirp(1), RATE)
    assert decode_audio_array(tmp_path / "sound.wav", 7.0, 1.0).shape == (0,)


def test_streaming_gives_the_same_samples(tmp_path: Path) -> None:
    chirp = make_chirp(20, 48000)
    write_pcm(tmp_path / "film.nut", [(0, chirp[:480000]), (12, chirp[480000:])], 48000)
    blocks = list(iter_audio(tmp_path / "film.nut"))
    np.testing.assert_array_equal(
        np.concatenate(blocks), decode_audio(tmp_path / "film.nut", tmp_path / "out.npy").open()
    )
    assert max(block.size for block in blocks) <= 65536


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_any_output_rate(tmp_path: Path, rate: int) -> None:
    write_sound(tmp_path / "sound.wav", "pcm_s16le", make_chirp(2, 32000), 32000)
    track = decode_audio(tmp_path / "sound.wav", tmp_path / "out.npy", sample_rate=rate)
    assert (track.num_samples, track.sample_rate) == (2 * rate, rate)
    assert lag_of(track.open(), make_chirp(2, rate)) == 0
