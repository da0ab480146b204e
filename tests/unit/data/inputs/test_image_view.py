import numpy as np
import pytest
import torch
from PIL import Image

from avtool.data.inputs.image_view import ImageView, centre_box, random_box
from avtool.data.inputs.video_transforms import as_seen
from avtool.data.manifest import Clip
from tests.unit.data.data_samples import make_manifest, write_grey_film


@pytest.fixture
def photographs(tmp_path):
    """A picture that gets redder to the right and greener downwards."""
    across, down = np.meshgrid(np.arange(90), np.arange(60))
    pixels = np.stack([2 * across, 4 * down, np.full_like(down, 50)], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return make_manifest(tmp_path, [Clip("a", "a.png", 0.0, 1.0)])


def test_evaluation_takes_the_middle(photographs):
    picture = ImageView(32)(photographs, photographs[0], 0.5, None)
    assert picture.shape == (3, 32, 32)
    red, green, blue = ((channel.mean() + 1) * 127.5 for channel in picture)
    assert float(red) == pytest.approx(2 * 44.5, abs=2)
    assert float(green) == pytest.approx(4 * 29.5, abs=2)
    assert float(blue) == pytest.approx(50, abs=1)


def test_training_takes_parts_that_differ(photographs):
    view = ImageView(16)
    pictures = [view(photographs, photographs[0], 0.5, np.random.default_rng(n)) for n in range(4)]
    assert all(picture.abs().max() <= 1 for picture in pictures)
    assert not torch.equal(pictures[0], pictures[1])
    again = view(photographs, photographs[0], 0.5, np.random.default_rng(2))
    assert torch.equal(pictures[2], again)


@pytest.mark.parametrize(("place", "number"), [(0.0, 0), (0.5, 20)])
def test_a_film_gives_its_picture_of_a_moment(tmp_path, place, number):
    write_grey_film(tmp_path / "film.mkv")
    manifest = make_manifest(tmp_path, [Clip("a", "film.mkv", 0.0, 4.0)])
    picture = ImageView(16, area=(1.0, 1.0))(manifest, manifest[0], place, None)
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
    plain, turned = (
        ImageView(16, flip=flip)(photographs, photographs[0], 0.5, np.random.default_rng(0))
        for flip in (0.0, 1.0)
    )
    assert torch.equal(turned, plain.flip(2))
    assert not torch.equal(turned, plain)


def test_bytes_are_the_same_picture(photographs):
    for seed in range(4):  # turned round and not
        floats, as_bytes = (
            ImageView(16, as_bytes=kind)(photographs, photographs[0], 0.5, np.random.default_rng(seed))
            for kind in (False, True)
        )
        assert as_bytes.shape == (16, 16, 3)
        assert torch.equal(as_seen({"image": as_bytes}, "image"), floats)


def test_a_picture_is_read_once(photographs):
    view = ImageView(16)
    first = view(photographs, photographs[0], 0.5, np.random.default_rng(1))
    photographs.local(photographs[0].video).unlink()
    assert torch.equal(view(photographs, photographs[0], 0.5, np.random.default_rng(1)), first)
