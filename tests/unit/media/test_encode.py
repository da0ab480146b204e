"""Films written stream by stream, the same bytes for the same input, nothing left behind by a failure."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.media.audio_decode import decode_audio
from avtool.media.caption_track import CaptionTrack
from avtool.media.captions.cue import Cue
from avtool.media.encode import FilmSettings, write_film
from avtool.media.probe import probe
from avtool.media.transcode import transcode_short_gop
from avtool.media.video_frames import iter_frames, read_frames
from tests.unit.media.media_samples import RATE, lag_of, make_chirp, numbered_pictures, numbers_of

CUES = [Cue(400, 900, ("[door slams]",)), Cue(1200, 1900, ("Who is there & why?", "♪ la la ♪"))]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".ts"])
@pytest.mark.parametrize(("rate", "channels"), [(RATE, 1), (44100, 2)])
def test_pictures_and_sound_come_back(tmp_path: Path, suffix: str, rate: int, channels: int) -> None:
    path = tmp_path / f"film{suffix}"
    sound = make_chirp(2, rate)
    blocks = np.array_split(np.stack([sound] * channels, axis=1) if channels == 2 else sound, 7)
    write_film(path, FilmSettings(fps=25, sample_rate=rate), frames=numbered_pictures(50), audio=blocks)
    start = probe(path).video[0].start_s or 0.0
    pictures, _ = read_frames(path, [start + k / 25 for k in range(0, 50, 7)])
    assert numbers_of(pictures) == list(range(0, 50, 7))
    late = lag_of(decode_audio(path, tmp_path / "out.npy").open(), make_chirp(2)) / RATE
    assert late == pytest.approx(start, abs=0.001)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_sound_of_either_kind(tmp_path: Path, dtype: type) -> None:
    sound = make_chirp(1)
    given = sound if dtype == np.int16 else sound.astype(np.float32) / 32768
    settings = FilmSettings(sample_rate=RATE, audio_codec="flac")
    write_film(tmp_path / "film.mkv", settings, audio=[given])
    np.testing.assert_array_equal(decode_audio(tmp_path / "film.mkv", tmp_path / "out.npy").open(), sound)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_same_input_same_bytes(tmp_path: Path, suffix: str) -> None:
    contents = set()
    for name in ("a", "b"):
        path = tmp_path / f"{name}{suffix}"
        settings = FilmSettings(sample_rate=RATE, captions=[CaptionTrack(CUES)])
        write_film(path, settings, frames=numbered_pictures(50), audio=[make_chirp(2)])
        contents.add(path.read_bytes())
    assert len(contents) == 1


def caption_packets(path: Path) -> list[tuple[int, int, str]]:
    """(start in ms, end in ms, text) of the caption stream as players show it."""
    with av.open(str(path)) as container:
        (stream,) = container.streams.subtitles
        packets = [packet for packet in container.demux(stream) if packet.size > 2]  # mov_text fills pauses
        starts = [round(packet.pts * packet.time_base * 1000) for packet in packets]
        ends = [round((packet.pts + packet.duration) * packet.time_base * 1000) for packet in packets]
        lines = [stream.codec_context.decode(packet)[0].dialogue.decode().strip() for packet in packets]
    return list(zip(starts, ends, lines, strict=True))


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".mkv", ""),
        (".mkv", "ass"),
        (".mkv", "webvtt"),
        (".mp4", ""),
        (".mov", ""),
        (".webm", ""),
        (".m4a", ""),
    ],
)
def test_captions_inside(tmp_path: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"film{suffix}"
    settings = FilmSettings(sample_rate=RATE, captions=[CaptionTrack(CUES, codec=codec)])
    pictures = () if suffix == ".m4a" else numbered_pictures(50)
    write_film(path, settings, frames=pictures, audio=[make_chirp(2)])
    found = caption_packets(path)
    assert [packet[:2] for packet in found] == [(400, 900), (1200, 1900)]
    texts = [text.replace(r"\N", "\n") for _, _, text in found]
    assert texts == ["[door slams]", "Who is there & why?\n♪ la la ♪"]


def test_markup_signs_in_webvtt_are_text(tmp_path: Path) -> None:
    settings = FilmSettings(sample_rate=RATE, captions=[CaptionTrack([Cue(0, 900, ("a < b & c > d",))])])
    write_film(tmp_path / "film.webm", settings, audio=[make_chirp(1)])
    assert caption_packets(tmp_path / "film.webm") == [(0, 900, "a < b & c > d")]


def test_a_film_is_not_kept_in_memory(tmp_path: Path) -> None:
    """Pictures and sound are taken as their time comes: neither runs ahead of the other."""
    ahead = []
    counts = {"pictures": 0, "sound": 0}

    def pictures():
        for picture in numbered_pictures(60):
            counts["pictures"] += 1
            ahead.append(counts["pictures"] / 10 - counts["sound"] / 4)
            yield picture

    def sound():
        for block in np.array_split(make_chirp(6), 24):
            counts["sound"] += 1
            yield block

    write_film(tmp_path / "f.mkv", FilmSettings(fps=10, sample_rate=RATE), frames=pictures(), audio=sound())
    assert max(map(abs, ahead)) < 0.5


TRACK = CaptionTrack(CUES)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("film.avi", FilmSettings(), "cannot write films as `.avi`"),
        ("film", FilmSettings(), "cannot write films as `film`"),
        ("film.m4a", FilmSettings(), "film cannot hold `video`"),
        ("film.webm", FilmSettings(video_codec="libx264"), "webm film cannot hold `libx264`"),
        ("film.mkv", FilmSettings(video_codec="nonsense"), "cannot hold `nonsense`"),
        ("film.ts", FilmSettings(captions=[TRACK]), "captions cannot be written"),
        ("film.webm", FilmSettings(captions=[replace(TRACK, codec="ass")]), "cannot hold `ass` captions"),
    ],
)
def test_what_a_film_cannot_be(tmp_path: Path, name: str, settings: FilmSettings, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        write_film(tmp_path / name, settings, frames=numbered_pictures(3))
    assert list(tmp_path.iterdir()) == []


def test_odd_pictures_and_odd_rates(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="a frame of 64x47 cannot be encoded"):
        write_film(tmp_path / "film.mp4", FilmSettings(), frames=numbered_pictures(3, height=47))
    with pytest.raises(BadInputError, match="cannot encode"):
        write_film(tmp_path / "film.mp4", FilmSettings(sample_rate=12345), audio=[make_chirp(1)])
    assert list(tmp_path.iterdir()) == []


def test_failure_half_way_leaves_the_older_film(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_text("older")

    def pictures():
        yield from numbered_pictures(20)
        raise RuntimeError("the painter fell ill")

    with pytest.raises(RuntimeError, match="fell ill"):
        write_film(path, FilmSettings(), frames=pictures())
    assert path.read_text() == "older"
    assert [file.name for file in tmp_path.iterdir()] == ["film.mkv"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_short_gop_copy_keeps_film_time(tmp_path: Path, suffix: str) -> None:
    film, copy = tmp_path / "film.mp4", tmp_path / f"copy{suffix}"
    pictures = numbered_pictures(21, 96, 128, step=12)
    settings = FilmSettings(fps=25, sample_rate=44100, gop=250)
    write_film(film, settings, frames=pictures, audio=[make_chirp(0.84, 44100)])
    transcode_short_gop(film, copy, height=48, gop=10)
    original = decode_audio(film, tmp_path / "a.npy").open()
    np.testing.assert_array_equal(decode_audio(copy, tmp_path / "b.npy").open(), original)
    found = list(iter_frames(copy))
    np.testing.assert_allclose([time for time, _ in found], [k / 25 for k in range(21)], atol=0.001)
    assert numbers_of([picture for _, picture in found], step=12) == list(range(21))
    assert found[0][1].shape == (48, 64, 3)
    with av.open(str(copy)) as container:
        assert [n for n, packet in enumerate(container.demux(video=0)) if packet.is_keyframe] == [0, 10, 20]


def test_short_gop_copy_does_not_enlarge(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", FilmSettings(), frames=numbered_pictures(5))
    transcode_short_gop(tmp_path / "film.mp4", tmp_path / "copy.mp4", height=480)
    info = probe(tmp_path / "copy.mp4")
    assert (info.video[0].height, info.video[0].width, info.audio) == (48, 64, ())
