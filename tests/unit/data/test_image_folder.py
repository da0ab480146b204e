import numpy as np
import pytest
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.data.image_folder import image_folder, is_image_folder
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import VideoSettings
from avtool.tasks.masked.samples import MaskedClipDataset


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "dog").mkdir()
    for name, grey in (("dog/b.jpg", 90), ("a.png", 20), (".hidden.png", 0)):
        Image.fromarray(np.full((40, 60, 3), grey, np.uint8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_pictures_are_clips(pictures):
    manifest = image_folder(pictures)
    assert manifest.column("clip_id") == ["a.png", "dog/b.jpg"]
    assert [clip.labels for clip in manifest] == [(), ("dog",)]
    assert is_image_folder(pictures)


def test_pictures_are_masked(pictures):
    images = ImageInput(VideoSettings(num_frames=1, size=16, short_side=16))
    samples = MaskedClipDataset(
        image_folder(pictures),
        [images],
        noise={"image": 4},
    )
    grey = [float((samples[number]["image"].mean() + 1) * 127.5) for number in range(2)]
    assert grey == pytest.approx([20, 90], abs=1)


def test_a_folder_without_pictures_is_refused(tmp_path):
    assert not is_image_folder(tmp_path)
    with pytest.raises(BadInputError, match="no images"):
        image_folder(tmp_path)
