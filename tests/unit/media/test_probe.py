"""What a file holds is read from its content; what holds nothing is refused in one line."""

import os
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from avtool.core.errors import BadInputError
from avtool.media.caption_track import CaptionTrack
from avtool.media.captions.cue import Cue
from avtool.media.encode import FilmSettings, write_film
from avtool.media.probe import probe
from tests.unit.media.media_samples import RATE, make_chirp, numbered_pictures, write_pcm, write_sound


def test_streams_of_a_film(tmp_path: Path) -> None:
    track = CaptionTrack([Cue(0, 1000, ("[rain]",))], "eng", "English SDH", hearing_impaired=True)
    settings = FilmSettings(fps=24, sample_rate=RATE, captions=[track])
    pictures, sound = numbered_pictures(48), [make_chirp(2)]
    write_film(tmp_path / "film.mkv", settings, frames=pictures, audio=sound)
    info = probe(tmp_path / "film.mkv")
    assert (info.path, info.format, info.start_s) == (tmp_path / "film.mkv", "matroska,webm", 0.0)
    assert info.duration_s == pytest.approx(2, abs=0.1)
    (video,), (audio,), (captions,) = info.video, info.audio, info.captions
    assert (video.codec, video.width, video.height, video.fps, video.rotation) == ("h264", 64, 48, 24.0, 0)
    assert info.fps == 24.0
    assert (audio.codec, audio.sample_rate, audio.channels, audio.layout) == ("aac", RATE, 1, "mono")
    assert (captions.codec, captions.language, captions.title) == ("srt", "eng", "English SDH")
    assert (captions.default, captions.hearing_impaired) == (True, True)
    assert {video.index, audio.index, captions.index} == {0, 1, 2}


def test_name_does_not_matter(tmp_path: Path) -> None:
    write_sound(tmp_path / "sound.flac", "flac", make_chirp(1), RATE)
    (tmp_path / "sound.flac").rename(tmp_path / "sound.txt")
    assert probe(tmp_path / "sound.txt").format == "flac"


def test_late_stream(tmp_path: Path) -> None:
    write_pcm(tmp_path / "film.nut", [(1.5, make_chirp(1))], pictures=10)
    info = probe(tmp_path / "film.nut")
    assert info.audio[0].start_s == 1.5
    assert info.video[0].start_s == 0.0


@pytest.mark.parametrize(
    ("degrees", "size"), [(0, (64, 48)), (90, (48, 64)), (180, (64, 48)), (270, (48, 64))]
)
def test_size_is_that_of_the_turned_picture(tmp_path: Path, degrees: int, size: tuple[int, int]) -> None:
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=64, height=48)
        stream.set_display_rotation(degrees)
        for picture in numbered_pictures(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    video = probe(tmp_path / "film.mp4").video[0]
    assert ((video.width, video.height), video.rotation) == (size, degrees)


def test_cover_picture_is_no_film(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "song.m4a"), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=RATE, layout="mono")
        cover = container.add_stream("mjpeg", rate=1, width=64, height=48, pix_fmt="yuvj420p")
        cover.disposition = Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame(64, 48, "yuvj420p")))
        container.mux(cover.encode(None))
        frame = av.AudioFrame.from_ndarray(make_chirp(1).reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts = RATE, 0
        container.mux([*sound.encode(frame), *sound.encode(None)])
    info = probe(tmp_path / "song.m4a")
    assert [video.cover for video in info.video] == [True]
    assert info.fps is None


TEXTS = {
    "notes.txt": "just words\n" * 50,
    "film.mp4": "not a film\n" * 50,
    "film.srt": "1\n00:00:01,000 --> 00:00:02,000\n[rain]\n",
    "film.vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n[rain]\n",
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n/etc/passwd\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '/etc/passwd'\n",
    "page.html": "<html><body>404</body></html>",
    "table.csv": "film,captions\na.mkv,auto\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_no_film(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(TEXTS[name])
    with pytest.raises(BadInputError, match="is not a readable film or audio file") as caught:
        probe(tmp_path / name)
    assert "\n" not in caught.value.message
    assert name in caught.value.message


def test_picture_is_no_film(tmp_path: Path) -> None:
    from PIL import Image

    for suffix in ("jpg", "png"):
        Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / f"a.{suffix}")
        with pytest.raises(BadInputError, match="is not a readable film or audio file"):
            probe(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("size", [1, 100, 10_000, 200_000])
def test_noise_is_no_film(tmp_path: Path, size: int) -> None:
    (tmp_path / "noise.mkv").write_bytes(np.random.default_rng(size).bytes(size))
    with pytest.raises(BadInputError, match=r"noise\.mkv"):
        probe(tmp_path / "noise.mkv")


def test_empty_missing_folder_and_pipe(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    os.mkfifo(tmp_path / "pipe.mp4")
    for path, message in {
        tmp_path / "empty.mp4": "is empty",
        tmp_path / "none.mp4": "does not exist",
        tmp_path: "is not a file",
        tmp_path / "pipe.mp4": "is not a file",
    }.items():
        with pytest.raises(BadInputError, match=message):
            probe(path)


def test_film_without_its_index(tmp_path: Path) -> None:
    """An MP4 that was still being written when the machine stopped."""
    write_sound(tmp_path / "film.mp4", "aac", make_chirp(5), RATE)
    content = (tmp_path / "film.mp4").read_bytes()
    (tmp_path / "film.mp4").write_bytes(content[: content.index(b"moov") - 4])
    with pytest.raises(BadInputError, match=r"film\.mp4"):
        probe(tmp_path / "film.mp4")
