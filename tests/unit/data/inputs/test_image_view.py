import numpy as np
import pytest
import torch
from PIL import Image

from avtool.data.inputs.boxes import centre_box, random_box
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import VideoSettings
from avtool.data.inputs.video_augment import as_float
from avtool.data.manifest import Clip
from tests.harness import make_manifest, write_grey_film


@pytest.fixture
def photographs(tmp_path):
    """A picture that gets redder to the right and greener downwards."""
    across, down = np.meshgrid(np.arange(90), np.arange(60))
    pixels = np.stack([2 * across, 4 * down, np.full_like(down, 50)], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return make_manifest(tmp_path, [Clip("a", "a.png", 0.0, 1.0)])


def read(photographs, place=0.5, rng=None, size=16, **more):
    """An image of a manifest's first clip."""
    return make(size, **more).sample(photographs, 0, place, rng)["image"]


def make(size=16, flip=0.5, **more) -> ImageInput:
    """An input of images of some size."""
    return ImageInput(VideoSettings(num_frames=1, size=size, short_side=size, flip=flip), **more)


def test_evaluation_takes_the_middle(photographs):
    picture = read(photographs, size=32)
    assert picture.shape == (3, 32, 32)
    red, green, blue = ((channel.mean() + 1) * 127.5 for channel in picture)
    assert float(red) == pytest.approx(2 * 44.5, abs=2)
    assert float(green) == pytest.approx(4 * 29.5, abs=2)
    assert float(blue) == pytest.approx(50, abs=1)


def test_training_takes_parts_that_differ(photographs):
    pictures = [read(photographs, rng=np.random.default_rng(n)) for n in range(4)]
    assert all(picture.abs().max() <= 1 for picture in pictures)
    assert not torch.equal(pictures[0], pictures[1])
    again = read(photographs, rng=np.random.default_rng(2))
    assert torch.equal(pictures[2], again)


@pytest.mark.parametrize(("place", "number"), [(0.0, 0), (0.5, 20)])
def test_a_film_gives_its_picture_of_a_moment(tmp_path, place, number):
    write_grey_film(tmp_path / "film.mkv")
    manifest = make_manifest(tmp_path, [Clip("a", "film.mkv", 0.0, 4.0)])
    picture = read(manifest, place, area=(1.0, 1.0))
    assert float((picture.mean() + 1) * 127.5) == pytest.approx(20 + 5 * number, abs=2)


@pytest.mark.parametrize("size", [(60, 90), (90, 60), (10, 200)])
def test_random_boxes_lie_inside_and_have_the_area_asked_for(size):
    height, width = size
    for seed in range(50):
        left, top, right, bottom = random_box(height, width, (0.2, 0.5), np.random.default_rng(seed))
        assert 0 <= left < right <= width + 1e-9
        assert 0 <= top < bottom <= height + 1e-9
        if size != (10, 200):  # where no rectangle of such a shape fits, a square does
            assert 0.19 < (right - left) * (bottom - top) / (height * width) < 0.51


def test_the_box_in_the_middle():
    assert centre_box(60, 90) == (15, 0, 75, 60)


def test_left_and_right_are_turned_round(photographs):
    plain, turned = (read(photographs, rng=np.random.default_rng(0), flip=flip) for flip in (0.0, 1.0))
    assert torch.equal(turned, plain.flip(2))
    assert not torch.equal(turned, plain)


def test_bytes_are_the_same_picture(photographs):
    for seed in range(4):  # turned round and not
        floats, as_bytes = (
            read(photographs, rng=np.random.default_rng(seed), as_bytes=kind) for kind in (False, True)
        )
        assert as_bytes.shape == (16, 16, 3)
        assert torch.equal(as_float({"image": as_bytes}, "image"), floats)


def test_a_picture_is_read_once(photographs):
    images = make()
    first = images.sample(photographs, 0, 0.5, np.random.default_rng(1))["image"]
    photographs.local(photographs[0].video).unlink()
    assert torch.equal(images.sample(photographs, 0, 0.5, np.random.default_rng(1))["image"], first)
