"""Images normalised by channel, as CLIP takes them, beside transformers' own preprocessing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPImageProcessor

from avtool.data.image_folder import image_folder
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import ImageSettings
from avtool.data.items import Item
from avtool.models.clip.hub import CLIP_MEAN, CLIP_STD

SETTINGS = ImageSettings(size=32, short_side=32, mean=CLIP_MEAN, std=CLIP_STD)


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (128, 96, 3)).astype(np.uint8)
    Image.fromarray(pixels).resize((192, 256)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_the_centre_is_that_of_clips_own_preprocessing(photograph: Path) -> None:
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    theirs = processor(Image.open(photograph), return_tensors="pt")["pixel_values"][0]
    ours = ImageInput(SETTINGS).window(Item("a", photograph), 0.0, 0.0)
    # bytes are rounded after scaling, by each library in its own way
    assert float((ours - theirs).abs().max()) < 3 / 255 / min(CLIP_STD)
    assert float((ours - theirs).abs().mean()) < 0.5 / 255 / min(CLIP_STD)


def test_training_and_prediction_read_the_same_centre(photograph: Path) -> None:
    image, clips = ImageInput(SETTINGS), image_folder(photograph.parent)
    sample = image.sample(clips, 0, 0.5, None)["image"]
    assert torch.equal(sample, image.window(Item("a", photograph), 0.0, 0.0))
    crop = image.sample(clips, 0, 0.5, np.random.default_rng(1))["image"]
    assert crop.shape == sample.shape
    assert not torch.equal(crop, sample)


def test_it_is_read_back_from_json(tmp_path: Path) -> None:
    image = ImageInput(SETTINGS)
    again = ImageInput.from_json("image", image.to_json(), tmp_path)
    assert again == image
    assert isinstance(again.settings, ImageSettings)
    plain = ImageInput()
    assert type(ImageInput.from_json("image", plain.to_json(), tmp_path).settings) is type(plain.settings)
