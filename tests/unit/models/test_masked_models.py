"""Masked autoencoders, MAViL and the classifiers over them: sizes, shapes, features, messages."""

from typing import Any

import pytest
import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.encoder import FUSED, need_encoder
from avtool.models.registry import create, list_models

torch.set_num_threads(1)
SHAPES = {"image": (3, 32, 32), "audio": (128, 32), "video": (3, 4, 32, 32)}
FAMILIES = {"mae": ("image",), "audio_mae": ("audio",), "video_mae": ("video",), "mavil": ("audio", "video")}


def clips(*names: str) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {name: torch.randn(2, *SHAPES[name]) for name in names}


def masked_batch(model: Any) -> dict[str, Tensor]:
    batch = clips(*model.inputs)
    for name in model.masked_inputs:
        if "noise" in name:
            batch[name] = torch.rand(2, model.grids[name.split("_")[0]].num_tokens)
    return batch


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["", "_pretrain"])
def test_every_family_has_a_tiny_member(family: str, kind: str) -> None:
    with torch.device("meta"):
        model = create(f"{family}_tiny{kind}")
    assert sum(parameter.numel() for parameter in model.parameters()) <= 1_000_000


@pytest.mark.parametrize("name", ["mae_huge", "audio_mae_large", "video_mae_huge", "mavil_base"])
def test_large_members_can_be_built(name: str) -> None:
    with torch.device("meta"):
        create(name), create(f"{name}_pretrain")


def test_listed_sizes() -> None:
    names = list_models("*mae_*")
    assert {f"mae_{size}" for size in ("tiny", "small", "base", "large", "huge")} <= set(names)
    assert {f"audio_mae_{size}_pretrain" for size in ("tiny", "small", "base", "large")} <= set(names)


@pytest.mark.parametrize("family", FAMILIES)
def test_classifiers_score_and_give_features(family: str) -> None:
    model: Any = create(f"{family}_tiny").eval()
    inputs = FAMILIES[family]
    assert model.inputs == inputs
    batch = clips(*inputs)
    assert model(**batch).logits.shape == (2, 10)
    features = need_encoder(model, family).embed(**batch)
    assert features.keys() == {*inputs, *([FUSED] if len(inputs) == 2 else [])}
    assert all(feature.shape[0] == 2 and feature.dim() == 2 for feature in features.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_pretrained_models_give_features_of_what_is_there(family: str) -> None:
    model: Any = create(f"{family}_tiny_pretrain").eval()
    for name in model.inputs:
        features = model.embed(**clips(name))
        assert {key: value.shape for key, value in features.items()} == {name: (2, 64)}
    with pytest.raises(BadInputError, match="got nothing"):
        model.embed()


def test_a_model_without_features_is_refused_as_encoder() -> None:
    with pytest.raises(BadInputError, match="`linear` gives no features"):
        need_encoder(torch.nn.Linear(1, 1), "linear")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_encoder_has_the_same_names_in_pretraining_and_classifier(family: str) -> None:
    pretrained = create(f"{family}_tiny_pretrain").state_dict()
    classifier = create(f"{family}_tiny").state_dict()
    shared = {name for name in classifier if name.startswith("encoder.")}
    assert shared <= pretrained.keys()
    only_there = {name for name in pretrained if name.startswith("encoder.")} - shared
    assert all("norm." in name and "blocks" not in name for name in only_there)


def test_only_a_share_of_the_hidden_tokens_is_decoded_in_training() -> None:
    model: Any = create("mae_tiny_pretrain", decode_fraction=0.5)
    batch = masked_batch(model)
    half, whole = model(**batch)["image"], model.eval()(**batch)["image"]
    assert (half.masked.shape[1], whole.masked.shape[1]) == (6, 12)
    assert torch.equal(half.masked, whole.masked[:, :6])


def test_mavil_decodes_all_of_the_sound_in_windows_and_a_share_of_the_video() -> None:
    model: Any = create("mavil_tiny_pretrain", decode_fraction=0.5, audio_decoder="window", num_mel_bins=128)
    batch = {**clips("video"), "audio": torch.randn(2, 128, 128)}
    for name in model.masked_inputs[2:]:
        batch[name] = torch.rand(2, model.grids[name.split("_")[0]].num_tokens)
    rebuilt = model(**batch).predictions
    assert rebuilt["audio"].masked.shape[1] == 64 - 12
    assert rebuilt["video"].masked.shape[1] == round((8 - 1) / 2)


def test_a_students_decoders_predict_features() -> None:
    model: Any = create("mavil_tiny_pretrain", predicts="features")
    rebuilt = model(**masked_batch(model)).predictions
    assert {name: one.prediction.shape[-1] for name, one in rebuilt.items()} == {"audio": 64, "video": 64}


@pytest.mark.parametrize("family", FAMILIES)
def test_recomputed_activations_give_the_same_gradients(family: str) -> None:
    gradients = []
    for recompute in (False, True):
        torch.manual_seed(0)
        overrides = {"decoder": "window", "num_mel_bins": 32} if family == "audio_mae" else {}
        model: Any = create(f"{family}_tiny_pretrain", recompute=recompute, drop_path=0.2, **overrides)
        batch = masked_batch(model)
        torch.manual_seed(1)
        output = model(**batch)
        rebuilt = output.predictions if family == "mavil" else output
        sum(one.prediction.square().sum() for one in rebuilt.values()).backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_half_precision_stays_near_single(family: str) -> None:
    torch.manual_seed(0)
    model: Any = create(f"{family}_tiny").eval()
    batch = clips(*model.inputs)
    torch.nn.init.normal_(model.head.weight)
    with torch.no_grad():
        single = model(**batch).logits
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = model(**batch).logits
    assert float((half.float() - single).norm() / single.norm()) < 0.05


def test_windows_train_in_half_precision() -> None:
    model: Any = create("audio_mae_tiny_pretrain", decoder="window", num_mel_bins=128)
    batch = {"audio": torch.randn(2, 128, 128), "audio_noise": torch.rand(2, 64)}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        prediction = model(**batch)["audio"].prediction
    prediction.float().square().mean().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())


def test_fine_tuning_leaves_out_times_and_frequencies_in_training_alone() -> None:
    model: Any = create(
        "audio_mae_tiny", num_frames=1024, num_mel_bins=128, mask_times=0.2, mask_frequencies=0.2
    )
    assert model.masking.num_visible == 306  # 51 x 6 of 64 x 8
    audio = torch.randn(1, 1024, 128)
    torch.nn.init.normal_(model.head.weight)
    with torch.no_grad():
        assert not torch.equal(model(audio=audio).logits, model(audio=audio).logits)
        model.eval()
        assert torch.equal(model(audio=audio).logits, model(audio=audio).logits)


def test_patches_of_a_spectrogram_need_not_be_square() -> None:
    settings = {"num_frames": 64, "num_mel_bins": 32, "patch_size": 4, "patch_bins": 16}
    pretrained: Any = create("audio_mae_tiny_pretrain", **settings)
    assert pretrained.grids["audio"].shape == (16, 2)
    assert pretrained.decoder.pred.out_features == 4 * 16
    classifier: Any = create("audio_mae_tiny", **settings).eval()
    classifier.encoder.load_state_dict(pretrained.encoder.state_dict(), strict=False)
    audio = torch.randn(2, 64, 32)
    with torch.no_grad():
        tokens = classifier.encoder.make_tokens(classifier.encoder.grid.cut(audio))[:, 1:]
        expected = classifier.encoder.patch_embed(audio[:, None]) + classifier.encoder.pos_embed[:, 1:]
    torch.testing.assert_close(tokens, expected)


def test_a_classifier_reads_the_mean_and_deviation_of_tokens() -> None:
    model: Any = create("audio_mae_tiny", pool="statistics").eval()
    audio = torch.randn(2, 128, 32)
    with torch.no_grad():
        tokens = model.encoder(model.encoder.grid.cut(audio))[:, 1:]
        pooled = torch.cat([tokens.mean(dim=1), tokens.std(dim=1, correction=0)], dim=1)
        torch.testing.assert_close(
            model.embed(audio=audio)["audio"], model.fc_norm(pooled), rtol=1e-3, atol=1e-4
        )
        assert model(audio=audio).logits.shape == (2, 10)
    with pytest.raises(BadInputError, match="'mean' or 'statistics'"):
        create("audio_mae_tiny", pool="largest")


def test_the_head_starts_nearly_at_zero() -> None:
    torch.manual_seed(0)
    for family in FAMILIES:
        model: Any = create(f"{family}_tiny").requires_grad_(False)
        assert 1e-5 < float(model.head.weight.std()) < 3e-5


def test_weights_start_as_published() -> None:
    torch.manual_seed(0)
    model: Any = create("mae_tiny_pretrain").requires_grad_(False)
    qkv = model.encoder.blocks[0].attn.qkv.weight
    assert float(qkv.abs().max()) == pytest.approx((6 / (64 + 192)) ** 0.5, rel=0.01)
    kernel = model.encoder.patch_embed.proj.weight
    assert float(kernel.abs().max()) == pytest.approx((6 / (64 + 192)) ** 0.5, rel=0.01)
    assert 0.01 < float(model.encoder.cls_token.std()) < 0.03
    assert 0.01 < float(model.decoder.mask_token.std()) < 0.03


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("mae_tiny", {"image_size": 30}, "image_size 30 is not a multiple of the patch's 8"),
        ("audio_mae_tiny", {"num_frames": 100}, "num_frames 100 is not a multiple of the patch's 16"),
        ("video_mae_tiny", {"video_frames": 5}, "video_frames 5 is not a multiple of the patch's 2"),
        ("mae_tiny", {"num_heads": 5}, "5 heads do not divide a width of 64"),
        ("mae_tiny", {"num_classes": 0}, "needs classes, not 0"),
        ("mae_tiny_pretrain", {"decode_fraction": 0.0}, r"decoded share 0 is not in \(0, 1\]"),
        (
            "audio_mae_tiny_pretrain",
            {"decoder": "window", "decode_fraction": 0.5},
            "windows needs all masked tokens",
        ),
        (
            "audio_mae_tiny_pretrain",
            {"decoder": "window", "num_frames": 96, "num_mel_bins": 96},
            "windows of 4 x 4 do not fill 6 x 6 patches",
        ),
        ("mavil_tiny", {"modalities": ("image",)}, "the modalities are audio and video, not image"),
        ("mae_tiny", {"embed_dims": 3}, "`embed_dims` is no setting"),
        ("mae_tiny", {"embed_dim": 66, "num_heads": 1}, "width divisible by 4, not 66"),
        ("mavil_tiny", {"embed_dim": 40}, "width divisible by 16, not 40"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(name: str, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        create(name, **overrides)


def test_clips_of_another_size_are_refused() -> None:
    with pytest.raises(BadInputError, match="takes audio of 128x32 a clip, not 100x32"):
        create("audio_mae_tiny")(audio=torch.randn(2, 100, 32))
    with pytest.raises(BadInputError, match="got no video"):
        create("mavil_tiny")(**clips("audio"))
    with pytest.raises(BadInputError, match="takes image, and got audio"):
        create("mae_tiny")(**clips("audio"))
