"""Still pictures: size, EXIF, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.media.still_images import is_image, read_image


def save(path: Path, height: int, width: int, **options: object) -> Path:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2] = (255, 0, 0)
    Image.fromarray(picture).save(path, **options)
    return path


def test_the_shorter_side_gets_the_wanted_length(tmp_path: Path) -> None:
    assert read_image(save(tmp_path / "a.png", 40, 100), 20).shape == (20, 50, 3)
    assert read_image(save(tmp_path / "a.jpg", 401, 300), 64).shape == (86, 64, 3)


def test_a_picture_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    path = save(tmp_path / "a.jpg", 40, 60, exif=exif, quality=95)
    picture = read_image(path)
    assert picture[-5, 30, 0] > 200 > 60 > picture[5, 30, 0]


def test_grey_and_transparent_pictures_become_rgb(tmp_path: Path) -> None:
    for mode in ("L", "P", "RGBA"):
        Image.new(mode, (10, 8)).save(tmp_path / f"{mode}.png")
        assert read_image(tmp_path / f"{mode}.png").shape == (8, 10, 3)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0" + bytes(50)])
def test_what_is_no_picture_is_refused_in_a_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(BadInputError, match="cannot be read as an image"):
        read_image(tmp_path / "a.jpg")


def test_a_cut_picture_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", 100, 100)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadInputError, match="cannot be read as an image"):
        read_image(path)


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.png", 100, 100)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5000)
    with pytest.raises(BadInputError, match="larger than"):
        read_image(path, 20)


def test_pictures_are_known_by_their_suffix() -> None:
    assert is_image(Path("a.JPG"))
    assert not is_image(Path("a.mp4"))
