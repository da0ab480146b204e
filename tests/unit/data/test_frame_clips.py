"""Clips of consecutive frames: films, GIFs, folders of frames, datasets; places, sizes and short videos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.data.frame_clips import (
    FrameSource,
    find_frame_sources,
    fit,
    natural_key,
    read_clip,
    scaled_up,
)
from avtool.media.encode import FilmSettings, write_film


def greys(count: int, size: tuple[int, int] = (32, 48)) -> list[np.ndarray]:
    """Frames whose grey is twenty times their number."""
    return [np.full((*size, 3), 20 * number, np.uint8) for number in range(count)]


def film(path: Path, count: int = 12, size: tuple[int, int] = (32, 48)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_film(path, FilmSettings(fps=10), frames=greys(count, size))
    return path


def frame_files(folder: Path, count: int = 12) -> Path:
    folder.mkdir(parents=True)
    for number, frame in enumerate(greys(count)):
        Image.fromarray(frame).save(folder / f"frame{number}.png")
    return folder


def numbers(clip: np.ndarray) -> list[int]:
    return [round(float(frame.mean()) / 20) for frame in clip]


@pytest.mark.parametrize("kind", ["mp4", "png"])
def test_frames_are_consecutive_and_begin_anywhere(kind: str, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4") if kind == "mp4" else frame_files(tmp_path / "a")
    source = FrameSource("a", path)
    assert source.num_frames() == 12
    first = read_clip(source, 5, (16, 16))
    assert first is not None
    assert first.shape == (5, 16, 16, 3)
    assert numbers(first) == [0, 1, 2, 3, 4]
    starts = set()
    for seed in range(40):
        clip = read_clip(source, 5, (16, 16), np.random.default_rng(seed))
        assert clip is not None
        found = numbers(clip)
        assert found == list(range(found[0], found[0] + 5))
        starts.add(found[0])
    assert starts == set(range(8))


def test_a_gif_and_a_part_of_a_film(tmp_path: Path) -> None:
    images = [Image.fromarray(frame) for frame in greys(6)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=100)
    gif = read_clip(FrameSource("a", tmp_path / "a.gif"), 6, (32, 48))
    assert gif is not None
    assert numbers(gif) == [0, 1, 2, 3, 4, 5]
    part = FrameSource("b", film(tmp_path / "b.mp4"), 0.3, 0.8)
    assert part.num_frames() == 5
    clip = read_clip(part, 5, (16, 16))
    assert clip is not None
    assert numbers(clip) == [3, 4, 5, 6, 7]


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        find_frame_sources(tmp_path / "none")


def test_short_videos_give_none(tmp_path: Path) -> None:
    assert read_clip(FrameSource("a", film(tmp_path / "a.mp4", 4)), 5, (8, 8)) is None
    assert read_clip(FrameSource("b", frame_files(tmp_path / "b", 4)), 5, (8, 8)) is None


def test_videos_are_found_in_natural_order_at_any_depth(tmp_path: Path) -> None:
    film(tmp_path / "x" / "a.mp4", 2)
    frame_files(tmp_path / "sky" / "two", 11)
    (tmp_path / ".hidden").mkdir()
    film(tmp_path / ".hidden" / "c.mp4", 2)
    (tmp_path / "empty").mkdir()
    found = {source.name: source for source in find_frame_sources(tmp_path)}
    assert set(found) == {"x/a.mp4", "sky/two"}
    assert [path.stem for path in found["sky/two"].files()] == [f"frame{number}" for number in range(11)]
    assert natural_key(Path("frame2.png")) < natural_key(Path("frame10.png"))
    assert [one.name for one in find_frame_sources(tmp_path / "x" / "a.mp4")] == ["a.mp4"]
    with pytest.raises(BadInputError, match="holds no videos"):
        find_frame_sources(tmp_path / "empty")


SHAPES = [((40, 80), (20, 20)), ((80, 40), (16, 32)), ((31, 57), (10, 10))]


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_a_frame_is_cut_around_its_centre(shape: tuple[int, int], size: tuple[int, int]) -> None:
    frame = np.zeros((*shape, 3), np.uint8)
    frame[..., 0] = np.linspace(0, 200, shape[0]).round()[:, None]
    frame[..., 1] = np.linspace(0, 200, shape[1]).round()[None]
    fitted = fit(frame, size).astype(float)
    assert fitted.shape == (*size, 3)
    assert fitted[..., 0].mean() == pytest.approx(100, abs=3)
    assert fitted[..., 1].mean() == pytest.approx(100, abs=3)
    scale = min(shape[0] / size[0], shape[1] / size[1])
    slope = 200 * scale / (shape[1] - 1)
    assert np.diff(fitted[:, :, 1], axis=1).mean() == pytest.approx(slope, rel=0.05)
    assert np.array_equal(fit(frame, shape), frame)


def test_frames_that_are_scaled_up_are_named(tmp_path: Path) -> None:
    """A stack, a folder of frames, and of films the first; either side counts."""
    np.save(tmp_path / "c.npy", np.zeros((3, 24, 64, 3), np.uint8))
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    stack, frames = FrameSource("c", tmp_path / "c.npy"), FrameSource("d", frame_files(tmp_path / "d"))
    films = [FrameSource(name, film(tmp_path / name, size=(32, 48))) for name in ("a.mp4", "b.mp4")]
    said = "frames are scaled up to 32 x 32 pixels: `c` has 24 x 64"
    assert scaled_up([stack, frames, *films], (32, 32)) == said
    assert scaled_up([frames, *films], (32, 48)) == ""
    more = scaled_up([*films, frames], (33, 33))
    assert more == "frames are scaled up to 33 x 33 pixels: `a.mp4` has 32 x 48 (and 1 more)"
    assert scaled_up([FrameSource("bad", tmp_path / "bad.mp4")], (32, 32)) == ""
