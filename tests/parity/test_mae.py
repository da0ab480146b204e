"""MAE against transformers' implementation: same random weights, same noise."""

from typing import Any

import pytest
import torch
from torch import Tensor

from avtool.models.masked.autoencoder import MaskedAutoencoder
from avtool.models.masked.fixed_positions import grid_positions
from avtool.models.masked.mae_weights import load_mae
from avtool.models.masked.masking import masked_tokens
from avtool.models.registry import create
from avtool.objectives.masked.reconstruction import MaskedReconstruction

torch.set_num_threads(1)  # tiny matrices: threads would only wait for each other
transformers = pytest.importorskip("transformers")


def reference(ours: Any, *, norm_target: bool = True) -> Any:
    """Their model in the size of ours, all parameters random, with position tables that are not zero.

    A fresh one has zero tables and tokens, and is blind to where a patch was.
    """
    settings = ours.settings
    grid, channels = ours.encoder.grid, ours.encoder.grid.channels
    config = transformers.ViTMAEConfig(
        image_size=grid.box[0] * round(grid.num_tokens**0.5),
        patch_size=grid.box[0],
        num_channels=channels,
        hidden_size=settings.embed_dim,
        num_hidden_layers=settings.depth,
        num_attention_heads=settings.num_heads,
        intermediate_size=4 * settings.embed_dim,
        decoder_hidden_size=settings.decoder_dim,
        decoder_num_hidden_layers=settings.decoder_depth,
        decoder_num_attention_heads=settings.decoder_heads,
        decoder_intermediate_size=4 * settings.decoder_dim,
        layer_norm_eps=1e-6,
        norm_pix_loss=norm_target,
        mask_ratio=settings.mask_ratio,
    )
    torch.manual_seed(0)
    theirs = transformers.ViTMAEForPreTraining(config)
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if "position_embeddings" in name or "pos_embed" in name:
                parameter.copy_(ours.encoder.pos_embed if "vit." in name else ours.decoder.pos_embed)
            else:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return theirs


def pair(name: str, **overrides: Any) -> tuple[Any, MaskedAutoencoder]:
    ours: Any = create(name, **overrides)
    theirs = reference(ours)
    report = load_mae(ours, theirs.state_dict())
    assert report.missing == report.unexpected == report.changes == ()
    return theirs, ours


BASE = {"depth": 1, "decoder_depth": 1}
"""The width, the patches and the heads of ViT-B; its twelve blocks are all alike."""


@pytest.mark.parametrize(
    ("name", "overrides", "norm_target"),
    [("mae_tiny_pretrain", {}, True), ("mae_tiny_pretrain", {}, False), ("mae_base_pretrain", BASE, True)],
)
def test_loss_predictions_and_mask_equal_transformers(
    name: str, overrides: dict[str, int], norm_target: bool
) -> None:
    theirs, ours = pair(name, **overrides)
    theirs.config.norm_pix_loss = norm_target
    image = torch.randn(2, 3, *ours.encoder.grid.size)
    noise = torch.rand(2, ours.encoder.grid.num_tokens)
    objective = MaskedReconstruction("patch" if norm_target else "values")
    with torch.no_grad():
        expected = theirs(pixel_values=image, noise=noise)
        rebuilt = ours(image=image, image_noise=noise)["image"]
        loss = objective(ours, {"image": image, "image_noise": noise})["loss"]
    torch.testing.assert_close(loss, expected.loss, rtol=1e-6, atol=0)
    predicted = torch.take_along_dim(expected.logits, rebuilt.masked[:, :, None], dim=1)
    torch.testing.assert_close(rebuilt.prediction, predicted, rtol=0, atol=1e-5)
    assert torch.equal(masked_tokens(ours.masking.split(noise)), expected.mask.bool())


def gradients(model: torch.nn.Module, loss: Tensor) -> dict[str, Tensor]:
    loss.backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def test_gradients_equal_transformers() -> None:
    theirs, ours = pair("mae_tiny_pretrain")
    image, noise = torch.randn(4, 3, 32, 32), torch.rand(4, 16)
    expected = gradients(theirs, theirs(pixel_values=image, noise=noise).loss)
    found = gradients(ours, MaskedReconstruction()(ours, {"image": image, "image_noise": noise})["loss"])
    renamed: Any = create("mae_tiny_pretrain")
    load_mae(renamed, expected)  # the map of names serves gradients as well
    for name, parameter in renamed.requires_grad_(False).named_parameters():
        if name.endswith("qkv.bias"):  # a bias on all keys changes nothing: its gradient is rounding
            query, key, value = parameter.chunk(3)
            ours_query, ours_key, ours_value = found[name].chunk(3)
            torch.testing.assert_close(ours_key, key, rtol=0, atol=1e-7)
            torch.testing.assert_close(ours_query, query, rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(ours_value, value, rtol=1e-4, atol=1e-6)
        else:
            scale = float(parameter.abs().max())
            assert float((found[name] - parameter).abs().max()) <= 1e-5 * scale, name


def test_double_precision_agrees_to_the_last_digits() -> None:
    theirs, ours = pair("mae_tiny_pretrain")
    theirs, ours = theirs.double(), ours.double()
    image, noise = torch.randn(2, 3, 32, 32, dtype=torch.float64), torch.rand(2, 16)
    with torch.no_grad():
        expected = theirs(pixel_values=image, noise=noise).logits
        rebuilt = ours(image=image, image_noise=noise)["image"]
    predicted = torch.take_along_dim(expected, rebuilt.masked[:, :, None], dim=1)
    torch.testing.assert_close(rebuilt.prediction, predicted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("mask", ["random", "time-frequency"])
def test_a_spectrogram_is_a_square_picture_laid_out_anew(mask: str) -> None:
    """Their model takes squares alone: 32 x 8 patches of a spectrogram become 16 x 16 patches of an image."""
    ours: Any = create(
        "audio_mae_tiny_pretrain", num_frames=512, num_mel_bins=128, mask=mask, pos_layout="audiomae"
    )
    theirs = reference(ours)
    load_mae(ours, theirs.state_dict())
    audio, noise = torch.randn(2, 512, 128), torch.rand(2, 256)
    hidden = masked_tokens(ours.masking.split(noise))
    theirs.config.mask_ratio = theirs.vit.embeddings.config.mask_ratio = (
        1 - (ours.masking.num_visible + 0.5) / 256
    )
    boxes = ours.encoder.grid.cut(audio).reshape(2, 16, 16, 16, 16)
    image = boxes.permute(0, 1, 3, 2, 4).reshape(2, 1, 256, 256)
    with torch.no_grad():
        expected = theirs(pixel_values=image, noise=hidden.float() + 0.5 * torch.rand(2, 256))
        loss = MaskedReconstruction()(ours, {"audio": audio, "audio_noise": noise})["loss"]
    assert torch.equal(expected.mask.bool(), hidden)
    torch.testing.assert_close(loss, expected.loss, rtol=1e-6, atol=0)


SMALL = {"embed_dim": 192, "num_heads": 3, "decoder_dim": 128, "decoder_depth": 4, "decoder_heads": 4}


@pytest.mark.parametrize(
    ("name", "overrides", "count", "of_encoder"),
    [
        ("mae_base_pretrain", {}, 111_655_680, 85_647_360),
        ("mae_tiny_pretrain", {}, 146_432, 112_512),
        ("mae_base_pretrain", SMALL, 6_403_840, 5_486_592),
        ("audio_mae_base_pretrain", {}, 136_336_128, 85_254_144),
        ("audio_mae_base_pretrain", {"decoder": "global", "decoder_depth": 8}, 110_999_808, 85_254_144),
        ("video_mae_base_pretrain", {}, 94_221_696, 86_236_416),
        ("mavil_base_pretrain", {}, 263_152_896, 185_668_608),
        ("mavil_tiny_pretrain", {}, 504_128, 415_232),
    ],
)
def test_parameter_counts(name: str, overrides: dict[str, Any], count: int, of_encoder: int) -> None:
    with torch.device("meta"):
        model = create(name, **overrides)
    assert sum(parameter.numel() for parameter in model.parameters()) == count
    assert sum(parameter.numel() for parameter in model.get_submodule("encoder").parameters()) == of_encoder


def test_positions_code_the_column_first_and_the_class_token_nowhere() -> None:
    """By hand, for a grid of 2 x 3 and a width of 8: sines of two frequencies, then their cosines."""
    table = grid_positions((2, 3), 8)
    token = 1 * 3 + 2  # row 1, column 2
    column = [torch.sin(torch.tensor(2.0)), torch.sin(torch.tensor(0.02))]
    torch.testing.assert_close(table[token, :2], torch.stack(column))
    torch.testing.assert_close(table[token, 4:6], torch.tensor([1.0, 0.01]).sin())
    torch.testing.assert_close(table[token, 6:8], torch.tensor([1.0, 0.01]).cos())
    model: Any = create("mae_tiny_pretrain")
    assert float(model.encoder.pos_embed[0, 0].abs().max()) == 0


def test_positions_of_a_video_code_the_time_first() -> None:
    table = grid_positions((2, 3, 5), 32).reshape(2, 3, 5, 32)
    torch.testing.assert_close(table[1, 2, 4, 8:], grid_positions((3, 5), 24)[2 * 5 + 4])
    torch.testing.assert_close(table[1, 0, 0, :8], table[1, 2, 4, :8])
    assert float((table[0, 0, 0, :8] - table[1, 0, 0, :8]).abs().max()) > 0.1
