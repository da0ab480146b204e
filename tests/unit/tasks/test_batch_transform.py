"""What training changes in a batch."""

import pytest
import torch
from pydantic import ValidationError

from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.video import VideoInput
from avtool.tasks.classification.augment_recipe import AugmentRecipe
from avtool.tasks.classification.batch_transform import BatchTransform, label_vectors

MEAN, STD = -4.0, 3.0
OFF = {"mixup": "none", "frequency_mask": 0, "time_mask": 0}


def transform(**augment) -> BatchTransform:
    recipe = AugmentRecipe.model_validate({**OFF, **augment})
    audio = AudioInput(AudioSettings(num_mel_bins=16), 20, MEAN, STD, recipe.mix_waveforms)
    return BatchTransform((3,), InputSpec((audio, VideoInput())), recipe)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def batch(size: int = 6) -> dict:
    return {"audio": torch.randn(size, 20, 16), "label": torch.arange(size) % 3}


def test_evaluation_only_scales():
    given = batch()
    changed = transform(mixup="sample", time_mask=8, noise=0.5, time_roll=0.5).eval()(given)
    torch.testing.assert_close(changed["audio"], (given["audio"] - MEAN) / (2 * STD))
    assert torch.equal(changed["label"], given["label"])


def test_masks_at_the_mean_are_zero_after_scaling():
    changed = transform(time_mask=10)(batch(64))["audio"]
    hidden = (changed == 0).all(dim=2).sum(dim=1)
    assert hidden.max() > 3
    assert hidden.max() <= 10


@pytest.mark.parametrize("kind", ["sample", "batch"])
def test_mixed_labels_go_with_mixed_sound(kind):
    given = batch()
    given["audio"] = given["label"][:, None, None].float().expand(-1, 20, 16).clone()
    changed = transform(mixup=kind, mixup_alpha=1.0)(given)
    assert torch.allclose(changed["label"].sum(dim=1), torch.ones(6))
    value = changed["label"] @ torch.tensor([0.0, 1.0, 2.0])
    torch.testing.assert_close(changed["audio"][:, 0, 0], (value - MEAN) / (2 * STD))


def test_cutmix_carries_the_labels_of_their_frames():
    given = batch(32)
    given["audio"] = given["label"][:, None, None].float().expand(-1, 20, 16).clone()
    changed = transform(mixup="sample", cutmix=1.0)(given)
    value = changed["label"] @ torch.tensor([0.0, 1.0, 2.0])
    assert torch.allclose(changed["label"].sum(dim=1), torch.ones(32))
    mean = changed["audio"].mean(dim=(1, 2))
    torch.testing.assert_close(mean, (value - MEAN) / (2 * STD), rtol=1e-4, atol=1e-4)
    spliced = changed["audio"][:, 0, 0] != changed["audio"][:, -1, 0]
    assert 10 <= int(spliced.sum()) <= 30


def test_each_part_of_a_mixture_is_rotated_on_its_own():
    """With a beat in one frame of each clip, a mixture has two beats in different places."""
    given = batch(64)
    given["audio"] = torch.zeros(64, 20, 16)
    given["audio"][:, 0] = 1.0
    changed = transform(mixup="sample", mixup_alpha=10.0, time_roll=0.5)(given)
    beats = (changed["audio"][:, :, 0] > (0.0 - MEAN) / (2 * STD) + 1e-6).sum(dim=1)
    assert set(beats.tolist()) == {1, 2}
    assert int((beats == 2).sum()) > 40


def test_cutmix_is_of_spectrograms_and_of_samples():
    for wrong in ({"mixup": "modality"}, {"mixup": "sample", "mix_waveforms": True}):
        with pytest.raises(ValidationError, match=r"augment\.cutmix needs"):
            AugmentRecipe.model_validate({"cutmix": 0.5, **wrong})
    with pytest.raises(ValidationError, match=r"augment\.same_class needs"):
        AugmentRecipe.model_validate({"same_class": 0.5, "mixup": "batch"})


def test_what_is_mixed_with_its_like_keeps_its_label():
    given = batch(32)
    changed = transform(mixup="sample", mixup_alpha=10.0, same_class=1.0)(given)
    expected = torch.eye(3)[given["label"]]
    torch.testing.assert_close(changed["label"], expected)
    assert not torch.allclose(changed["audio"], (given["audio"] - MEAN) / (2 * STD))


def test_modalities_mixed_apart_carry_their_own_labels():
    given = batch() | {"video": torch.zeros(6, 3, 2, 8, 8)}
    changed = transform(mixup="modality")(given)
    assert changed["audio_label"].shape == changed["video_label"].shape == (6, 3)
    assert not torch.allclose(changed["audio_label"], changed["video_label"])


def test_no_clip_loses_all_of_its_modalities():
    present = {"audio_present": torch.arange(100) % 2 == 0, "video_present": torch.arange(100) % 3 != 0}
    present["video_present"] |= ~present["audio_present"]
    given = batch(100) | {"video": torch.zeros(100, 3, 2, 8, 8), **present}
    changed = transform(modality_dropout=1.0)(given)
    kept = torch.stack([changed["audio_present"], changed["video_present"]])
    assert kept.any(dim=0).all()
    assert (kept <= torch.stack([present["audio_present"], present["video_present"]])).all()
    assert not kept.all()


def test_verbs_and_nouns_become_one_vector():
    vectors = label_vectors(torch.tensor([[1, 0], [0, 2]]), (2, 3))
    assert vectors.tolist() == [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]]


@pytest.mark.parametrize(
    "augment", [{"mixup": "sample"}, {"mixup": "batch"}, {"mixup": "sample", "cutmix": 1.0}]
)
def test_a_clip_without_audio_is_not_mixed_as_loud_zeros(augment: dict):
    """Zeros before scaling are far louder than silence: what has audio keeps its own, the others take it."""
    present = torch.arange(64) % 2 == 0
    sound = torch.full((64, 20, 16), MEAN) * present[:, None, None]
    given = {"audio": sound, "label": torch.arange(64) % 3, "audio_present": present}
    changed = transform(mixup_alpha=1.0, **augment)(given)
    heard = changed["audio"][changed["audio_present"]]
    torch.testing.assert_close(heard, torch.zeros_like(heard))  # the mean, after scaling
    assert changed["audio_present"][present].all()
    assert not changed["audio_present"].all() or augment["mixup"] == "batch"


def test_an_unmixed_clip_without_audio_stays_without():
    present = torch.tensor([True, False, True, False])
    given = batch(4) | {"audio_present": present}
    changed = transform(mixup="sample", mixup_probability=0.0)(given)
    assert changed["audio_present"].tolist() == present.tolist()


@pytest.mark.parametrize("waveforms", [False, True])
def test_a_rolled_clip_keeps_its_padding_behind_it(waveforms: bool):
    changing = transform(time_roll=0.5, mix_waveforms=waveforms)
    if waveforms:
        length = changing.audio.settings.samples_of(20)
        audio = torch.randn(8, length) * (torch.arange(length) < length // 2)
    else:
        audio = torch.randn(8, 20, 16) * (torch.arange(20) < 9)[None, :, None]
    given = {"audio": audio, "label": torch.arange(8) % 3, "audio_frames": torch.full((8,), 9)}
    still = changing.eval()(dict(given))["audio"]
    rolled = changing.train()(dict(given))["audio"]
    assert torch.equal(rolled[:, 12:], still[:, 12:])
    assert not torch.equal(rolled[:, :9], still[:, :9])
    torch.testing.assert_close(rolled[:, :9].sum(dim=1), still[:, :9].sum(dim=1), rtol=1e-4, atol=1e-4)
