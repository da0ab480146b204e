"""Which sound of a film is decoded, and what becomes of damaged files."""

import re
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from avtool.media.audio_decode import decode_audio, iter_audio
from avtool.media.encode import FilmSettings, write_film
from tests.unit.media.media_samples import RATE, lag_of, make_chirp, numbered_pictures, write_pcm, write_sound

DEFAULT, COMMENT = Disposition.default, Disposition.comment


def write_streams(path: Path, streams: list[tuple[int, str, Disposition]]) -> None:
    """A film whose audio streams, (rate, layout, flags) each, hold their own number times 1000."""
    with av.open(str(path), "w") as container:
        outputs = []
        for rate, layout, flags in streams:
            stream = container.add_stream("pcm_s16le", rate=rate, layout=layout)
            stream.disposition = flags
            outputs.append(stream)
        for number, stream in enumerate(outputs):
            samples = np.full((1, stream.sample_rate * stream.channels), 1000 * number, np.int16)
            frame = av.AudioFrame.from_ndarray(samples, "s16", stream.layout.name)
            frame.sample_rate, frame.pts = stream.sample_rate, 0
            container.mux([*stream.encode(frame), *stream.encode(None)])


@pytest.mark.parametrize(
    ("streams", "chosen"),
    [
        ([(16000, "mono", DEFAULT), (16000, "mono", Disposition(0))], 0),
        ([(16000, "mono", Disposition(0)), (16000, "mono", DEFAULT)], 1),
        ([(16000, "stereo", Disposition(0)), (16000, "mono", DEFAULT)], 1),
        ([(16000, "mono", Disposition(0)), (16000, "5.1", Disposition(0))], 1),
        ([(8000, "stereo", DEFAULT), (16000, "stereo", DEFAULT)], 1),
        ([(16000, "mono", DEFAULT | COMMENT), (16000, "mono", Disposition(0))], 1),
        ([(16000, "mono", Disposition(0))] * 3, 0),
    ],
)
def test_choice_of_the_stream(
    tmp_path: Path, streams: list[tuple[int, str, Disposition]], chosen: int
) -> None:
    write_streams(tmp_path / "film.mkv", streams)
    reporter = Recorder()
    track = decode_audio(tmp_path / "film.mkv", tmp_path / "out.npy", reporter=reporter)
    assert track.stream == chosen
    assert track.open()[8000] == pytest.approx(1000 * chosen, abs=1)
    assert f"audio stream #{chosen} (pcm_s16le" in reporter.infos[0]


def test_stream_asked_for(tmp_path: Path) -> None:
    write_streams(tmp_path / "film.mkv", [(16000, "mono", DEFAULT)] * 3)
    track = decode_audio(tmp_path / "film.mkv", tmp_path / "out.npy", stream=2)
    assert (track.stream, track.open()[100]) == (2, 2000)


def test_stream_that_is_not_there(tmp_path: Path) -> None:
    write_streams(tmp_path / "film.mkv", [(16000, "mono", DEFAULT)])
    with pytest.raises(BadInputError, match="has no audio stream #7") as caught:
        decode_audio(tmp_path / "film.mkv", tmp_path / "out.npy", stream=7)
    assert caught.value.hint == "its audio streams: #0 (pcm_s16le, mono, 16000 Hz)"


def test_film_without_sound_is_named(tmp_path: Path) -> None:
    write_film(tmp_path / "mute.mp4", FilmSettings(), frames=numbered_pictures(5))
    with pytest.raises(BadInputError, match=r"mute\.mp4` has no audio stream \(it has video\)"):
        decode_audio(tmp_path / "mute.mp4", tmp_path / "out.npy")
    assert not (tmp_path / "out.npy").exists()


def test_digital_silence_is_noted(tmp_path: Path) -> None:
    write_sound(tmp_path / "quiet.wav", "pcm_s16le", np.zeros(RATE, np.int16), RATE)
    assert decode_audio(tmp_path / "quiet.wav", tmp_path / "out.npy").warnings == (
        "the audio is digital silence",
    )


def cut_file(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


@pytest.mark.parametrize(
    ("name", "codec", "muxer"),
    [
        ("cut.mp4", "aac", {"movflags": "faststart"}),
        ("cut.mkv", "aac", {}),
        ("cut.flac", "flac", {}),
    ],
)
def test_file_cut_short_keeps_what_it_has(
    tmp_path: Path, name: str, codec: str, muxer: dict[str, str]
) -> None:
    chirp = make_chirp(10)
    write_sound(tmp_path / name, codec, chirp, RATE, **muxer)
    whole = decode_audio(tmp_path / name, tmp_path / "whole.npy").open()
    cut_file(tmp_path / name, 0.5)
    track = decode_audio(tmp_path / name, tmp_path / "out.npy")
    assert not track.complete
    assert 3 < track.last_pts_s < 7
    assert track.last_pts_s == track.num_samples / RATE
    assert track.warnings[0].startswith(("the audio ends at 0:00:0", "reading stopped at 0:00:0"))
    kept = track.num_samples - 2048
    np.testing.assert_array_equal(track.open()[:kept], whole[:kept])
    reporter = Recorder()
    for _ in iter_audio(tmp_path / name, reporter=reporter):
        pass
    assert reporter.warnings == [f"{name}: {text}" for text in track.warnings]


def test_damage_inside_costs_only_what_is_damaged(tmp_path: Path) -> None:
    """Bytes overwritten in the middle: what follows stays at its time."""
    chirp = make_chirp(10)
    write_sound(tmp_path / "film.mp4", "aac", chirp, RATE, movflags="faststart")
    whole = decode_audio(tmp_path / "film.mp4", tmp_path / "whole.npy").open()
    content = bytearray((tmp_path / "film.mp4").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = b"\xff" * 2000
    (tmp_path / "film.mp4").write_bytes(content)
    track = decode_audio(tmp_path / "film.mp4", tmp_path / "out.npy")
    assert re.search(r"packets of audio could not be decoded, the first at 0:00:0[456]", track.warnings[0])
    assert track.complete
    np.testing.assert_array_equal(track.open()[: 3 * RATE], whole[: 3 * RATE])
    tail = slice(8 * RATE, 9 * RATE)
    difference = track.open()[tail].astype(float) - whole[tail]
    assert np.abs(difference).max() < 0.01 * np.abs(whole).max()


def test_sound_that_changes_midway(tmp_path: Path) -> None:
    """Two MP3 files joined into one: rate and channels change from one frame to the next."""
    write_sound(tmp_path / "1.mp3", "libmp3lame", make_chirp(2, 44100), 44100)
    write_sound(tmp_path / "2.mp3", "libmp3lame", np.repeat(make_chirp(2, 48000), 2), 48000, "stereo")
    joined = tmp_path / "joined.mp3"
    joined.write_bytes((tmp_path / "1.mp3").read_bytes() + (tmp_path / "2.mp3").read_bytes())
    track = decode_audio(joined, tmp_path / "out.npy")
    assert track.last_pts_s == pytest.approx(4, abs=0.2)
    assert lag_of(track.open()[RATE:], make_chirp(2)) == pytest.approx(RATE, abs=0.1 * RATE)


def test_fragmented_mp4(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    write_sound(film, "aac", make_chirp(5), RATE, movflags="frag_keyframe+empty_moov", frag_duration="500000")
    track = decode_audio(film, tmp_path / "out.npy")
    assert (track.complete, track.warnings) == (True, ())
    assert track.last_pts_s == pytest.approx(5, abs=0.15)


def test_name_with_a_colon_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "Alien: Romulus.wav"
    write_sound(tmp_path / "plain.wav", "pcm_s16le", make_chirp(1), RATE)
    (tmp_path / "plain.wav").rename(path)
    assert decode_audio(path, tmp_path / "out: sound.npy").num_samples == RATE


def test_result_replaces_an_older_one_only_when_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.npy"
    out.write_text("older")
    write_pcm(tmp_path / "bad.nut", [(0, make_chirp(1)), (1e9, make_chirp(1))])
    with pytest.raises(BadInputError):
        decode_audio(tmp_path / "bad.nut", out)
    assert out.read_text() == "older"


def test_ffmpeg_keeps_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_sound(tmp_path / "cut.mkv", "aac", make_chirp(5), RATE)
    cut_file(tmp_path / "cut.mkv", 0.7)
    decode_audio(tmp_path / "cut.mkv", tmp_path / "out.npy")
    assert capfd.readouterr() == ("", "")
