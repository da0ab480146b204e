"""Published layouts of weights, rebuilt with random numbers in their true names and shapes."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import zoom

from avtool.core.errors import BadInputError
from avtool.models.ast import weights as ast_weights
from avtool.models.layers.position import crop_or_interpolate_position_grid, interpolate_position_grid
from avtool.models.mbt import weights as mbt_weights
from avtool.models.registry import create

timm = pytest.importorskip("timm")


def image_vit(distilled: bool = False, **sizes: Any) -> Any:
    """A timm ViT of 32 x 32 images in patches of 8, every parameter random."""
    from timm.models.deit import VisionTransformerDistilled
    from timm.models.vision_transformer import VisionTransformer

    kind = VisionTransformerDistilled if distilled else VisionTransformer
    torch.manual_seed(0)
    vit = kind(
        **{
            "img_size": 32,
            "patch_size": 8,
            "embed_dim": 32,
            "depth": 4,
            "num_heads": 4,
            "mlp_ratio": 2,
            **sizes,
        }
    ).eval()
    with torch.no_grad():
        for parameter in vit.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return vit


def small_ast(**overrides: Any) -> Any:
    sizes = {"embed_dim": 32, "depth": 4, "num_heads": 4, "mlp_dim": 64, "patch_size": 8}
    strides = {"frequency_stride": 8, "time_stride": 8, "num_mel_bins": 32, "num_frames": 32}
    return create("ast_tiny", **{**sizes, **strides, **overrides}).eval()


def test_ast_from_deit_sees_a_grey_image_as_deit_does() -> None:
    deit, ast = image_vit(distilled=True), small_ast()
    report = ast_weights.load_image_vit(ast, deit.state_dict())
    assert report.missing == ("head.0.weight", "head.0.bias", "head.1.weight", "head.1.bias")
    assert report.unexpected == ()
    fbank = torch.randn(2, 32, 32)
    with torch.no_grad():
        theirs = deit.forward_features(fbank.transpose(1, 2)[:, None].expand(-1, 3, -1, -1))
        ours = ast.encode(ast.tokenize(fbank))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_ast_from_a_vit_without_distillation_token_says_so() -> None:
    ast = small_ast()
    report = ast_weights.load_image_vit(ast, image_vit().state_dict())
    assert any("class token serves twice" in change for change in report.changes)
    torch.testing.assert_close(ast.dist_token, ast.cls_token)
    torch.testing.assert_close(ast.pos_embed[:, 0], ast.pos_embed[:, 1])


def test_mbt_from_vit_sees_a_still_as_vit_does() -> None:
    """Late fusion, exact GELU; a tubelet sees its middle frame alone, so the black first one is not seen."""
    vit = image_vit()
    mbt = create(
        "mbt_tiny",
        fusion_layer=4,
        gelu="none",
        image_size=32,
        video_frames=2,
        audio_frames=32,
        num_mel_bins=32,
    ).eval()
    report = mbt_weights.load_image_vit(mbt, vit.state_dict())
    assert report.missing == ("head.weight", "head.bias")
    assert report.unexpected == ()
    image, fbank = torch.randn(2, 3, 32, 32), torch.randn(2, 32, 32)
    video = torch.stack([torch.zeros_like(image), image], dim=2)
    with torch.no_grad():
        streams = {"video": mbt.stems["video"](video), "audio": mbt.stems["audio"](fbank)}
        encoded = mbt.encode(streams, {"video": None, "audio": None})
        for name, seen in (("video", image), ("audio", fbank[:, None].expand(-1, 3, -1, -1))):
            torch.testing.assert_close(
                mbt.norm(encoded[name]), vit.forward_features(seen), rtol=1e-4, atol=1e-5
            )


@pytest.mark.parametrize("fusion", ["bottleneck", "shared", "cross"])
def test_mbt_variants_take_all_layers_of_a_vit(fusion: str) -> None:
    mbt = create("mbt_tiny", fusion=fusion)
    report = mbt_weights.load_image_vit(mbt, image_vit().state_dict())
    assert set(report.missing) <= {"head.weight", "head.bias", "bottleneck"}
    assert report.unexpected == ()
    assert "video positions: 4x4 → 2x2, repeated 2 times" in report.changes
    assert "audio positions: 4x4 → 4x2" in report.changes


def original_ast(ast: Any) -> dict[str, torch.Tensor]:
    """The weights under the names of the original project's checkpoints, with its idle image classifiers."""
    state = {
        f"module.{'mlp_head.' + name[5:] if name.startswith('head.') else 'v.' + name}": value
        for name, value in ast.state_dict().items()
    }
    return {
        **state,
        "module.v.head.weight": torch.zeros(1000, 32),
        "module.v.head_dist.bias": torch.zeros(1000),
    }


def test_ast_in_the_original_layout() -> None:
    source, target = small_ast(), small_ast()
    report = ast_weights.load_ast(target, original_ast(source))
    assert report.missing == ()
    assert report.unexpected == ("v.head.weight", "v.head_dist.bias")
    for name, value in source.state_dict().items():
        torch.testing.assert_close(target.state_dict()[name], value)


def test_hub_names_of_transformers_before_version_5() -> None:
    source, target = small_ast(), small_ast()
    state = {}
    renames = {"norm1": "layernorm_before", "norm2": "layernorm_after", "attn.proj": "attention.output.dense"}
    renames |= {"mlp.fc1": "intermediate.dense", "mlp.fc2": "output.dense"}
    for name, value in source.state_dict().items():
        if name.startswith("blocks."):
            _, layer, rest = name.split(".", 2)
            module, kind = rest.rsplit(".", 1)
            prefix = f"audio_spectrogram_transformer.encoder.layer.{layer}."
            if module == "attn.qkv":
                for part, piece in zip(("query", "key", "value"), value.chunk(3), strict=True):
                    state[f"{prefix}attention.attention.{part}.{kind}"] = piece
            else:
                state[f"{prefix}{renames[module]}.{kind}"] = value
        else:
            state[name] = value
    others = {
        "cls_token": "audio_spectrogram_transformer.embeddings.cls_token",
        "dist_token": "audio_spectrogram_transformer.embeddings.distillation_token",
        "pos_embed": "audio_spectrogram_transformer.embeddings.position_embeddings",
        "patch_embed.proj.weight": (
            "audio_spectrogram_transformer.embeddings.patch_embeddings.projection.weight"
        ),
        "patch_embed.proj.bias": "audio_spectrogram_transformer.embeddings.patch_embeddings.projection.bias",
        "norm.weight": "audio_spectrogram_transformer.layernorm.weight",
        "norm.bias": "audio_spectrogram_transformer.layernorm.bias",
        "head.0.weight": "classifier.layernorm.weight",
        "head.0.bias": "classifier.layernorm.bias",
        "head.1.weight": "classifier.dense.weight",
        "head.1.bias": "classifier.dense.bias",
    }
    state = {others.get(name, name): value for name, value in state.items()}
    report = ast_weights.load_ast(target, state)
    assert report.missing == report.unexpected == ()
    for name, value in source.state_dict().items():
        torch.testing.assert_close(target.state_dict()[name], value)


def test_another_length_is_refused_with_both_grids() -> None:
    state = small_ast(num_frames=64).state_dict()
    with pytest.raises(BadInputError, match="grid of the weights is 4x8 and the model's is 4x4"):
        ast_weights.load_ast(small_ast(), state)


def test_another_length_keeps_the_middle_when_asked() -> None:
    source, target = small_ast(num_frames=64), small_ast()
    report = ast_weights.load_ast(target, source.state_dict(), interpolate=True)
    assert report.changes == ("positions: 4x8 → 4x4",)
    old = source.pos_embed[0, 2:].reshape(4, 8, -1)
    torch.testing.assert_close(target.pos_embed[0, 2:].reshape(4, 4, -1), old[:, 2:6])


def test_a_last_layer_for_other_classes_keeps_its_initial_values() -> None:
    report = ast_weights.load_ast(small_ast(num_classes=3), small_ast().state_dict())
    assert report.missing == ("head.1.weight", "head.1.bias")
    assert report.changes == ("classes: 10 → 3, the last layer keeps its initial values",)


def test_another_width_is_refused_by_name() -> None:
    with pytest.raises(BadInputError, match=r"in the weights and .* in the model"):
        ast_weights.load_ast(small_ast(), small_ast(embed_dim=64).state_dict())


def test_a_stranger_is_refused() -> None:
    with pytest.raises(BadInputError, match="they are no image ViT"):
        mbt_weights.load_image_vit(create("mbt_tiny"), create("cnn_tiny").state_dict())


def test_audioset_positions_are_cut_as_published() -> None:
    """12 x 101 to 12 x 50 starts at column 50 - 25; 24 x 24 to 12 x 101 keeps rows 6 to 17."""
    audioset = torch.arange(12 * 101, dtype=torch.float32)[:, None]
    cut = crop_or_interpolate_position_grid(audioset, (12, 101), (12, 50)).reshape(12, 50)
    torch.testing.assert_close(cut, audioset.reshape(12, 101)[:, 25:75])
    image = torch.randn(24, 24)
    stretched = crop_or_interpolate_position_grid(image.reshape(-1, 1), (24, 24), (12, 101)).reshape(12, 101)
    wide = torch.nn.functional.interpolate(image[None, None], size=(24, 101), mode="bilinear")[0, 0]
    torch.testing.assert_close(stretched, wide[6:18])


def test_interpolating_with_aligned_corners_equals_scipy_zoom() -> None:
    grid = torch.randn(14, 14, 3)
    ours = interpolate_position_grid(grid.reshape(-1, 3), (14, 14), (50, 8), align_corners=True).reshape(
        50, 8, 3
    )
    theirs = zoom(grid.numpy(), (50 / 14, 8 / 14, 1), order=1)
    assert np.abs(ours.numpy() - theirs).max() <= 1e-5


def test_base_size_takes_the_true_shapes_of_deit() -> None:
    """578 x 768 positions and a kernel of 768 x 3 x 16 x 16: shapes only, on the meta device."""
    with torch.device("meta"):
        ast = create("ast_base", depth=1)
        blocks = {
            name: value for name, value in ast.state_dict().items() if name.startswith(("blocks", "norm"))
        }
        deit = {
            **blocks,
            "cls_token": torch.empty(1, 1, 768),
            "dist_token": torch.empty(1, 1, 768),
            "pos_embed": torch.empty(1, 578, 768),
            "patch_embed.proj.weight": torch.empty(768, 3, 16, 16),
            "patch_embed.proj.bias": torch.empty(768),
            "head.weight": torch.empty(1000, 768),
        }
    report = ast_weights.load_image_vit(ast, deit)
    assert "positions: 24x24 → 12x101; colours summed" in report.changes
    assert report.unexpected == ()
