"""RandAugment, random erasing and CutMix of frames, beside timm's own."""

import random

import numpy as np
import pytest
import torch
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.data.inputs.frame_augment import RandAugment, erase
from avtool.data.inputs.mixup import draw_cutmix
from avtool.data.inputs.settings import ImageSettings, VideoSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.video import VideoInput
from avtool.data.manifest import Clip
from avtool.tasks.classification.batch_transform import BatchTransform
from avtool.tasks.classification.network import check_inputs
from avtool.tasks.classification.recipe import FinetuneRecipe
from tests.harness import make_manifest, write_grey_film

POLICY = "rand-m9-mstd0.5-inc1"
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def frames(count: int = 3, size: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype(np.uint8)


def test_rand_augment_is_that_of_timm():
    from timm.data.auto_augment import rand_augment_transform

    given = frames(1)
    settings = {
        "translate_const": 14, "img_mean": (124, 116, 104), "interpolation": Image.Resampling.BICUBIC,
        "magnitude_max": 9.99,
    }  # fmt: skip
    theirs = rand_augment_transform(POLICY, settings)
    changed = 0
    for number in range(300):
        ours = RandAugment(POLICY, 32)(given, np.random.default_rng(number))
        seed = int(np.random.default_rng(number).integers(2**32))
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        np.testing.assert_array_equal(ours[0], np.asarray(theirs(Image.fromarray(given[0]))))
        changed += not np.array_equal(ours, given)
    assert changed > 150


def test_all_frames_of_a_window_change_alike():
    given = np.repeat(frames(1), 4, axis=0)
    for number in range(10):
        changed = RandAugment("rand-m7-n4-mstd0.5-inc1", 32)(given, np.random.default_rng(number))
        assert all(np.array_equal(changed[0], frame) for frame in changed)


def test_erasing_is_that_of_timm_in_its_units():
    from timm.data.random_erasing import RandomErasing

    shape = (3, 1, 1)
    given = torch.rand(16, 3, 32, 32) * 2 - 1
    random.seed(0)
    torch.manual_seed(0)
    ours = erase(given, 0.5)
    random.seed(0)
    torch.manual_seed(0)
    normal = ((given + 1) / 2 - MEAN.view(shape)) / STD.view(shape)
    theirs = RandomErasing(0.5, mode="pixel", device="cpu")(normal)
    torch.testing.assert_close(ours, 2 * (theirs * STD.view(shape) + MEAN.view(shape)) - 1, atol=1e-5, rtol=0)
    erased = (ours != given).flatten(1).any(dim=1)
    assert 3 <= int(erased.sum()) <= 13


def test_erasing_takes_one_rectangle_of_all_frames():
    random.seed(0)
    changed = erase(torch.zeros(4, 3, 5, 16, 16), 1.0) != 0
    assert torch.equal(changed.all(dim=(1, 2)), changed.any(dim=(1, 2)))
    assert bool(changed.flatten(1).any(dim=1).all())


def test_cutmix_labels_are_the_area_that_is_kept():
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    given = torch.arange(4.0).view(4, 1, 1, 1, 1).expand(4, 3, 2, 16, 24)
    for _ in range(20):
        mix = draw_cutmix(4, (16, 24), 1.0)
        mixed, labels = mix.blend(given), mix.blend_labels(torch.eye(4))
        torch.testing.assert_close(mixed.mean(dim=(1, 2, 3, 4)), labels @ torch.arange(4.0))


def test_half_of_the_batches_are_mixed_by_cutmix():
    augment = FinetuneRecipe.model_validate({"augment": {"mixup": "batch", "cutmix": 0.5}}).augment
    transform = BatchTransform((3,), InputSpec((VideoInput(),)), augment)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    video = torch.stack([torch.full((3, 2, 8, 8), float(value)) for value in (0, 1)])
    cut = sum(
        set(transform({"video": video, "label": torch.tensor([0, 1])})["video"].unique().tolist()) <= {0, 1}
        for _ in range(100)
    )
    assert 35 <= cut <= 65


def test_crops_of_video_have_areas_and_the_same_augmentation_again(tmp_path):
    write_grey_film(tmp_path / "film.mkv")
    clips = make_manifest(tmp_path, [Clip("a", "film.mkv", 0.0, 4.0)])
    settings = VideoSettings(
        num_frames=4, seconds=4.0, size=16, short_side=24, colour_jitter=0, colour_drop=0
    )
    one = VideoInput(settings, area=(0.08, 1.0), rand_augment=RandAugment(POLICY, 16))
    first, again, other = (one.sample(clips, 0, 0.0, np.random.default_rng(n))["video"] for n in (1, 1, 2))
    assert first.shape == (3, 4, 16, 16)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_bicubic_images_keep_the_scale_of_bilinear_ones():
    data = FinetuneRecipe.model_validate({"data": {"interpolation": "bicubic"}}).data
    assert isinstance(data.image, ImageSettings)
    assert (data.image.mean, data.image.std) == ((0.5,) * 3, (0.5,) * 3)
    assert data.image.short_side == data.video.short_side


@pytest.mark.parametrize(
    ("augment", "inputs", "what"),
    [
        (
            {"mixup": "batch", "cutmix": 0.5},
            ("audio",),
            "augment.cutmix needs a model of images or video alone with augment.mixup=batch",
        ),
        (
            {"mixup": "sample", "cutmix": 0.5},
            ("video",),
            "augment.cutmix needs a model of audio alone with augment.mixup=sample",
        ),
        ({"mixup": "batch", "cutmix": 0.5}, ("audio", "video"), "images or video alone"),
        ({"erase": 0.5}, ("audio",), "augment.erase needs a model of images or video"),
        ({"rand_augment": POLICY}, ("audio",), "augment.rand_augment needs"),
    ],
)
def test_settings_that_do_not_fit_the_inputs_are_refused(augment, inputs, what):
    recipe = FinetuneRecipe.model_validate({"augment": augment})
    with pytest.raises(BadInputError, match=what):
        check_inputs(recipe, inputs)
