"""CNN and AST: sizes, shapes, messages."""

import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.models.registry import create, list_models

FAMILIES = ["cnn", "vgg", "vgg_modulation", "ast", "ast_mm", "mbt"]


torch.set_num_threads(1)  # tiny matrices: threads would only wait for each other


def count(name: str) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in create(name).parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_tiny_member(family: str) -> None:
    assert f"{family}_tiny" in list_models()
    assert count(f"{family}_tiny") <= 1_000_000


def test_cnn_has_the_size_of_small_data() -> None:
    assert count("cnn") == 596_562


@pytest.mark.parametrize(("pointwise_stages", "frames_seen"), [(2, 95), (0, 191)])
def test_a_position_of_the_cnn_sees_a_part_of_the_clip(pointwise_stages: int, frames_seen: int) -> None:
    """What each convolution adds, times the stride before it: 5, 2 · 1, then 4, 8, 16, 32 times 2 each."""
    model = create("cnn", pointwise_stages=pointwise_stages).eval()
    audio = torch.randn(1, 640, 64, requires_grad=True)
    maps = model.stages(model.stem(audio[:, None]))
    maps[0, :, maps.shape[2] // 2].sum().backward()
    seen = torch.nonzero(audio.grad[0].abs().sum(dim=1))[:, 0]
    # where ReLU and max pooling are shut, a frame at the edge has no gradient
    assert 0.7 * frames_seen <= int(seen[-1] - seen[0]) + 1 <= frames_seen


@pytest.mark.parametrize(("pointwise_stages", "frames_seen"), [(3, 38), (2, 42), (0, 66)])
def test_a_position_of_the_vgg_sees_a_part_of_the_clip(pointwise_stages: int, frames_seen: int) -> None:
    """3, then for steps of 2, 4 and 8 frames: half a step by the mean, two by each 3 x 3 convolution."""
    model = create("vgg", pointwise_stages=pointwise_stages).eval()
    audio = torch.randn(1, 640, 64, requires_grad=True)
    maps = model.stages(audio[:, None])
    maps[0, :, maps.shape[2] // 2].sum().backward()
    seen = torch.nonzero(audio.grad[0].abs().sum(dim=1))[:, 0]
    assert 0.7 * frames_seen <= int(seen[-1] - seen[0]) + 1 <= frames_seen


def test_vgg_shrinks_the_image_by_means_between_stages() -> None:
    maps = create("vgg", widths=(4, 8, 16)).eval().stages(torch.randn(1, 1, 41, 64))
    assert maps.shape == (1, 16, 11, 16)


@pytest.mark.parametrize("name", ["cnn_tiny", "vgg_tiny"])
@pytest.mark.parametrize("num_frames", [17, 100, 498])
def test_convolutions_take_any_length(name: str, num_frames: int) -> None:
    assert create(name).eval()(torch.randn(2, num_frames, 64)).logits.shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cnn", {"widths": ()}),
        ("vgg", {"widths": ()}),
        ("vgg", {"pointwise_stages": 4}),
        ("vgg", {"dropout": 1.0}),
    ],
)
def test_settings_that_make_no_network_are_refused(name: str, settings: dict) -> None:
    with pytest.raises(BadInputError):
        create(name, **settings)


@pytest.mark.parametrize("name", ["cnn_tiny", "vgg_tiny"])
def test_convolutions_give_the_same_in_channels_last(name: str) -> None:
    torch.manual_seed(0)
    model, audio = create(name).eval(), torch.randn(2, 100, 64)
    with torch.no_grad():
        before = model(audio).logits
        after = model.to(memory_format=torch.channels_last)(audio).logits
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-5)


def test_cnn_refuses_a_single_spectrogram_in_words() -> None:
    with pytest.raises(BadInputError, match=r"\(batch, frames, mel bins\), not \(100, 64\)"):
        create("cnn_tiny")(torch.randn(100, 64))


def test_ast_refuses_another_length_in_words() -> None:
    with pytest.raises(BadInputError, match=r"\(batch, 128 frames, 64 mel bins\), not \(2, 100, 64\)"):
        create("ast_tiny")(torch.randn(2, 100, 64))


def test_ast_refuses_a_spectrogram_without_a_patch() -> None:
    with pytest.raises(BadInputError, match="10 frames x 64 mel bins holds no patch of 16 x 16"):
        create("ast_tiny", num_frames=10)


def test_a_mistyped_setting_gets_the_nearest_one() -> None:
    with pytest.raises(BadInputError, match="`num_class` is no setting") as caught:
        create("ast_tiny", num_class=3)
    assert "did you mean `num_classes`?" in caught.value.hint


def test_ast_knows_where_a_patch_is() -> None:
    """Exchanging two patches of the same content must matter only through their positions."""
    torch.manual_seed(0)
    model = create("ast_tiny", time_stride=16).eval()
    audio = torch.randn(1, 128, 64)
    swapped = torch.cat([audio[:, 64:], audio[:, :64]], dim=1)
    with torch.no_grad():
        assert (model(audio).logits - model(swapped).logits).abs().max() > 1e-4
        model.pos_embed.zero_()
        torch.testing.assert_close(model(audio).logits, model(swapped).logits, rtol=0, atol=1e-6)


def test_ast_starts_at_deviation_0_02_without_biases() -> None:
    torch.manual_seed(0)
    model = create("ast_tiny").requires_grad_(False)
    for name in ("pos_embed", "cls_token", "dist_token"):
        assert 0.015 < float(getattr(model, name).std()) < 0.025
    assert float(model.blocks[0].mlp.fc1.weight.std()) == pytest.approx(0.02, rel=0.05)
    assert all(float(value.abs().max()) == 0 for name, value in model.named_parameters() if "bias" in name)


def test_mbt_starts_as_the_vision_transformer_of_jax_does() -> None:
    torch.manual_seed(0)
    model = create("mbt_tiny", embed_dim=64).requires_grad_(False)
    query = model.blocks["audio"][0].attn.qkv.weight[:64]
    assert float(query.abs().max()) == pytest.approx((6 / 128) ** 0.5, rel=0.01)
    assert float(model.stems["audio"].patch_embed.proj.weight.std()) == pytest.approx(1 / 8, rel=0.05)
    assert 0 < float(model.blocks["audio"][0].mlp.fc1.bias.abs().max()) < 1e-5
    assert float(model.stems["video"].cls_token.abs().max()) == 0


@pytest.mark.parametrize(("name", "shape"), [("cnn_tiny", (2, 100, 64)), ("ast_tiny", (2, 128, 64))])
def test_half_precision_stays_near_single(name: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model, audio = create(name).eval(), torch.randn(shape)
    with torch.no_grad():
        single = model(audio).logits
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = model(audio).logits
    assert float((half.float() - single).norm() / single.norm()) < 0.05


def test_mbt_trains_in_half_precision_with_missing_modalities() -> None:
    torch.manual_seed(0)
    model = create("mbt_tiny", drop_path=0.1, recompute=True)
    present = {"audio_present": torch.tensor([True, False]), "video_present": torch.tensor([True, True])}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(torch.randn(2, 32, 16), torch.randn(2, 3, 4, 16, 16), **present)
    torch.nn.functional.cross_entropy(output.logits.float(), torch.tensor([1, 2])).backward()
    assert bool(model.head.weight.grad.isfinite().all())
    assert float(model.head.weight.grad.abs().max()) > 0


def test_models_name_their_inputs() -> None:
    assert create("cnn_tiny").inputs == create("ast_tiny").inputs == ("audio",)
    assert create("mbt_tiny", modalities=("audio",)).inputs == ("audio", "audio_present")


@pytest.mark.parametrize(
    ("name", "setting"),
    [("cnn_tiny", {"num_classes": "x"}), ("cnn_tiny", {"widths": "abc"}), ("ast_tiny", {"depth": 1.5})],
)
def test_a_setting_of_another_type_is_refused(name: str, setting: dict[str, object]) -> None:
    with pytest.raises(BadInputError, match=f"the model's setting `{next(iter(setting))}`: "):
        create(name, **setting)
