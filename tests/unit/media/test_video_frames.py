"""The picture at a time is the one on screen then, and its number tells which that is."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from avtool.media.encode import FilmSettings, film_writer, write_film
from avtool.media.video_frames import iter_frames, read_frames, save_frames
from tests.unit.media.media_samples import make_chirp, numbered_pictures, numbers_of

FPS = 10


def make_film(path: Path, count: int = 60, gop: int = 20, fps: float = FPS, **settings: str) -> Path:
    write_film(path, FilmSettings(fps=fps, gop=gop, **settings), frames=numbered_pictures(count))
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds at ten pictures a second, a key frame every two."""
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.mark.parametrize(
    ("time", "number"),
    [(0.0, 0), (0.09, 0), (0.1, 1), (0.19, 1), (3.14, 31), (5.9, 59), (-1.0, 0), (99.0, 59)],
)
def test_picture_on_screen(film: Path, time: float, number: int) -> None:
    pictures, times = read_frames(film, [time])
    assert numbers_of(pictures) == [number]
    assert times[0] == pytest.approx(number / FPS)


@given(st.lists(st.floats(0, 5.99), max_size=12))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_order_of_times(film: Path, times: list[float]) -> None:
    pictures, _ = read_frames(film, times, threads=1)
    assert numbers_of(pictures) == [int(time * FPS + 0.005) for time in times]


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".ts", ".mov"])
@pytest.mark.parametrize("gop", [1, 20, 1000])
def test_every_container(tmp_path: Path, suffix: str, gop: int) -> None:
    path = make_film(tmp_path / f"film{suffix}", gop=gop)
    pictures, _ = read_frames(path, [5.05, 0.05, 3.05, 3.25])
    assert numbers_of(pictures) == [50, 0, 30, 32]


def test_pictures_between_key_frames_with_reordering(tmp_path: Path) -> None:
    options = (("bf", "3"), ("preset", "medium"))
    path = tmp_path / "film.mp4"
    write_film(path, FilmSettings(fps=FPS, gop=40, video_options=options), frames=numbered_pictures(60))
    pictures, _ = read_frames(path, [k / FPS for k in range(0, 60, 7)])
    assert numbers_of(pictures) == list(range(0, 60, 7))


def test_rounded_times_of_matroska(tmp_path: Path) -> None:
    """The picture of 66.67 ms is stored as 67 ms, and is still the one at 2 / 30 s."""
    path = make_film(tmp_path / "film.mkv", fps=30)
    pictures, _ = read_frames(path, [k / 30 for k in range(60)])
    assert numbers_of(pictures) == list(range(60))


def test_variable_frame_rate(tmp_path: Path) -> None:
    shown = [0.0, 0.5, 0.52, 2.0, 2.04, 7.0]
    with film_writer(tmp_path / "film.mp4", FilmSettings(size=(48, 64))) as writer:
        for picture, time in zip(numbered_pictures(6), shown, strict=True):
            writer.frame(picture, time)
    asked = [0.0, 0.49, 0.5, 0.51, 0.53, 1.99, 2.01, 6.99, 7.0]
    pictures, times = read_frames(tmp_path / "film.mp4", asked)
    assert numbers_of(pictures) == [0, 0, 1, 1, 2, 2, 3, 4, 5]
    np.testing.assert_allclose(times, [shown[number] for number in numbers_of(pictures)], atol=1e-4)


def test_film_that_starts_late_on_its_own_clock(tmp_path: Path) -> None:
    """A transport stream cut out of a broadcast: the first picture is at film time zero."""
    with av.open(str(tmp_path / "film.ts"), "w", container_options={"output_ts_offset": "5000"}) as container:
        stream = container.add_stream("libx264", rate=10, width=64, height=48, options={"bf": "0", "g": "10"})
        for number, picture in enumerate(numbered_pictures(60)):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    pictures, times = read_frames(tmp_path / "film.ts", [0.0, 2.55, 5.85])
    assert numbers_of(pictures) == [0, 25, 58]
    np.testing.assert_allclose(times, [0.0, 2.5, 5.8], atol=1e-4)


@pytest.mark.parametrize(
    ("size", "shape"),
    [(None, (48, 64)), ((20, 30), (20, 30)), ((224, 224), (224, 224)), (24, (24, 32)), (96, (96, 128))],
)
def test_size(film: Path, size: tuple[int, int] | int | None, shape: tuple[int, int]) -> None:
    pictures, _ = read_frames(film, [1.0, 2.0], size=size)
    assert pictures.shape == (2, *shape, 3)
    assert pictures.dtype == np.uint8
    assert numbers_of(pictures) == [10, 20]


def test_no_times_no_pictures(film: Path) -> None:
    pictures, times = read_frames(film, [])
    assert (len(pictures), len(times)) == (0, 0)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_pictures_are_turned_upright(tmp_path: Path, degrees: int) -> None:
    """Stored turned away from upright by the angle that the file then asks to turn them back by."""
    upright = np.zeros((48, 64, 3), np.uint8)
    upright[:24, :32] = 255  # white in the top left quarter
    stored = np.ascontiguousarray(np.rot90(upright, -degrees // 90))
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=stored.shape[1], height=stored.shape[0])
        stream.set_display_rotation(degrees)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(stored)))
        container.mux(stream.encode(None))
    pictures, _ = read_frames(tmp_path / "film.mp4", [0.0])
    assert pictures.shape == (1, 48, 64, 3)
    quarters = [pictures[0, y : y + 24, x : x + 32].mean() > 128 for y in (0, 24) for x in (0, 32)]
    assert quarters == [True, False, False, False]
    assert read_frames(tmp_path / "film.mp4", [0.0], size=(20, 30))[0].shape == (1, 20, 30, 3)


@pytest.mark.parametrize(("fps", "expected"), [(5, range(20, 40, 2)), (20, [n // 2 for n in range(40, 80)])])
def test_steady_rate(film: Path, fps: float, expected: list[int]) -> None:
    found = list(iter_frames(film, fps=fps, start=2.0, end=4.0))
    assert numbers_of(np.stack([picture for _, picture in found])) == list(expected)
    np.testing.assert_allclose([time for time, _ in found], 2.0 + np.arange(len(found)) / fps)


def test_steady_rate_ends_with_the_film(film: Path) -> None:
    times = [time for time, _ in iter_frames(film, fps=4)]
    np.testing.assert_allclose(times, np.arange(24) / 4)


def test_every_picture_once(film: Path) -> None:
    found = list(iter_frames(film, start=1.0, end=3.0))
    assert numbers_of(np.stack([picture for _, picture in found])) == list(range(10, 30))


def damage(path: Path, share: float) -> None:
    """Overwrites the end of the pictures from a share of the file on."""
    content = bytearray(path.read_bytes())
    begin = int(share * len(content))
    content[begin:] = b"\xff" * (len(content) - begin)
    path.write_bytes(content)


def moving_pictures(count: int) -> list[np.ndarray]:
    """Noise that slides sideways: rich pictures, each of which is told by the one before."""
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    return [np.roll(noise, step, axis=1) for step in range(count)]


def test_damaged_end_gives_the_last_good_picture(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    write_film(path, FilmSettings(fps=FPS, gop=10), frames=moving_pictures(60))
    whole, _ = read_frames(path, [1.0])
    damage(path, 0.5)
    reporter = Recorder()
    pictures, times = read_frames(path, [1.0, 5.5], reporter=reporter)
    np.testing.assert_array_equal(pictures[0], whole[0])
    assert times[0] == pytest.approx(1.0)
    assert 1.5 < times[1] < 4
    assert len(list(iter_frames(path))) == round(times[1] * FPS) + 1


def test_damaged_pictures_are_left_out_up_to_a_key_frame(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write_film(path, FilmSettings(fps=FPS, gop=10), frames=moving_pictures(60))
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        bad = packets[34]
    content = bytearray(path.read_bytes())
    content[bad.pos : bad.pos + bad.size] = b"\x00" * bad.size
    path.write_bytes(content)
    reporter = Recorder()
    times = [time for time, _ in iter_frames(path, threads=1, reporter=reporter)]
    np.testing.assert_allclose(times, [*np.arange(34) / FPS, *np.arange(40, 60) / FPS], atol=1e-6)
    assert "skipped damaged frames" in reporter.warnings[0]


def test_film_without_pictures(tmp_path: Path) -> None:
    write_film(tmp_path / "sound.m4a", FilmSettings(sample_rate=16000), audio=[make_chirp(1)])
    with pytest.raises(BadInputError, match=r"sound\.m4a` has no video stream"):
        read_frames(tmp_path / "sound.m4a", [0.0])


def test_picture_of_absurd_size_is_not_decoded(tmp_path: Path) -> None:
    """A GIF of 13 bytes and a header that claims 65535 by 65535 pixels, 12 GB as RGB."""
    image = b"," + bytes(4) + b"\xff\xff\xff\xff\x00" + b"\x02\x02\x44\x01\x00"
    (tmp_path / "bomb.gif").write_bytes(b"GIF89a\xff\xff\xff\xff\x00\x00\x00" + image + b";")
    with pytest.raises(BadInputError, match=r"bomb\.gif"):
        read_frames(tmp_path / "bomb.gif", [0.0])


def test_saved_pictures(film: Path, tmp_path: Path) -> None:
    files = save_frames(film, tmp_path / "frames" / "e1", 2.0, 4.0, 2)
    assert [file.name for file in files] == ["000.jpg", "001.jpg", "002.jpg", "003.jpg"]
    assert numbers_of(np.stack([np.asarray(Image.open(file)) for file in files])) == [20, 25, 30, 35]
