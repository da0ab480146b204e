"""Published weights over pixels in [-1, 1], beside the same weights over pixels as they were published."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from avtool.models.load import load_model
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import MODELS, create
from tests.harness import REPOSITORY

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ORIGINAL_MAE = ((r"^decoder\.(mask_token)$", r"\1"), (r"^encoder\.", ""), (r"^decoder\.", "decoder_"))


def photographs(size: int) -> Tensor:
    """(N, 3, size, size) in [0, 1]: real images where they are at hand, and one of noise."""
    folder = Path(os.environ.get("AVTOOL_TEST_DATA", REPOSITORY.parent / "shared" / "data")) / "images"
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})[:4]
    images = [np.asarray(Image.open(path).convert("RGB").resize((size, size)), np.float32) for path in paths]
    images.append(np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.float32))
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).double() / 255


def published(pixels: Tensor) -> Tensor:
    shape = (3, *(1 for _ in pixels.shape[2:]))
    mean, std = (torch.tensor(values, dtype=torch.float64).reshape(shape) for values in (MEAN, STD))
    return (pixels - mean) / std


def renamed(state: dict[str, Tensor], *rules: tuple[str, str]) -> dict[str, Tensor]:
    found = {}
    for name, tensor in state.items():
        new = name
        for pattern, replacement in rules:
            new, count = re.subn(pattern, replacement, new)
            if count:
                break
        found[new] = tensor
    return found


def randomised(name: str, **sizes: Any) -> Any:
    torch.manual_seed(0)
    model: Any = create(name, **sizes).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def loaded(name: str, state: dict[str, Tensor], **sizes: Any) -> tuple[Any, str]:
    model: Any = create(name, **sizes).double().eval()
    report = MODELS.find(name).family.load_weights(model, state)
    return model, " ".join(report.changes)


def assert_equal(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_an_mae_of_the_original_project_sees_imagenet_statistics() -> None:
    theirs = randomised("mae_tiny")
    ours, changes = loaded("mae_tiny", renamed(theirs.state_dict(), *ORIGINAL_MAE))
    pixels = photographs(32)
    with torch.no_grad():
        tokens = theirs.encoder.patch_embed(published(pixels))
        assert_equal(ours.encoder.patch_embed(2 * pixels - 1), tokens)
        assert_equal(ours(image=2 * pixels - 1).logits, theirs(image=published(pixels)).logits)
    assert "ImageNet mean and std folded" in changes


def test_weights_of_avtool_are_taken_as_they_are() -> None:
    for name in ("mae_tiny", "video_mae_tiny_pretrain", "mavil_tiny"):
        theirs = randomised(name)
        ours, changes = loaded(name, theirs.state_dict())
        assert "folded" not in changes
        for key, tensor in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[key], tensor), key


def test_a_saved_model_is_folded_once(tmp_path: Path) -> None:
    theirs = randomised("mae_tiny")
    ours, _ = loaded("mae_tiny", renamed(theirs.state_dict(), *ORIGINAL_MAE))
    save_model(tmp_path / "m", ours.state_dict(), ModelDescription("mae_tiny"))
    saved: Any = load_model(tmp_path / "m").model
    again, changes = loaded("mae_tiny", saved.state_dict())
    assert "folded" not in changes
    kernel = again.encoder.patch_embed.proj.weight
    assert torch.equal(kernel.float(), ours.encoder.patch_embed.proj.weight.float())


@pytest.mark.parametrize("rules", [(r"^none$", ""), (r"^encoder\.", "")], ids=["pretraining", "fine-tuned"])
def test_a_video_mae_sees_imagenet_statistics(rules: tuple[str, str]) -> None:
    theirs = randomised("video_mae_tiny")
    state = {name: tensor for name, tensor in theirs.state_dict().items() if "pos_embed" not in name}
    for name in [name for name in state if name.endswith("qkv.bias")]:
        query, _, value = state.pop(name).chunk(3)
        state |= {name.replace("qkv.bias", f"{part}_bias"): t for part, t in (("q", query), ("v", value))}
    ours, changes = loaded("video_mae_tiny", renamed(state, rules))
    video = photographs(32)[:, :, None].expand(-1, -1, 4, -1, -1)
    with torch.no_grad():
        expected = theirs.encoder.patch_embed(published(video))
        assert_equal(ours.encoder.patch_embed(2 * video - 1), expected)
    assert "ImageNet mean and std folded" in changes


def test_a_mavil_and_its_start_from_images_see_imagenet_statistics() -> None:
    theirs = randomised("mavil_tiny", fusion_layers=3)
    state = renamed(
        theirs.state_dict(),
        (r"^encoder\.audio\.", ""),
        (r"^encoder\.video\.(patch_embed|cls_token|pos_embed|blocks)", r"\1_v"),
        (r"^encoder\.fusion\.", "blocks_av."),
        (r"^(fc_norm|head)\.", r"\1_av."),
    )
    ours, _ = loaded("mavil_tiny", state, fusion_layers=3)
    video = photographs(32)[:, :, None].expand(-1, -1, 4, -1, -1)
    with torch.no_grad():
        expected = theirs.encoder.video.patch_embed(published(video))
        assert_equal(ours.encoder.video.patch_embed(2 * video - 1), expected)
        assert torch.equal(
            ours.encoder.audio.patch_embed.proj.weight, theirs.encoder.audio.patch_embed.proj.weight
        )
    sizes = {"image_size": 32, "patch_size": 16}
    image = randomised("mae_tiny_pretrain", **sizes)
    started, _ = loaded("mavil_tiny", renamed(image.state_dict(), *ORIGINAL_MAE))
    with torch.no_grad():  # a still video gives the tokens of its image
        tokens = started.encoder.video.patch_embed(2 * video - 1)[:, :4]
        assert_equal(tokens, image.encoder.patch_embed(published(photographs(32))))
    summed = image.encoder.patch_embed.proj.weight.sum(dim=1, keepdim=True)
    assert torch.equal(started.encoder.audio.patch_embed.proj.weight, summed)


@pytest.mark.parametrize("distilled", [True, False])
def test_an_mbt_sees_what_its_image_model_saw(distilled: bool) -> None:
    timm = pytest.importorskip("timm")
    name = "deit_tiny_distilled_patch16_224" if distilled else "vit_tiny_patch16_224"
    torch.manual_seed(0)
    image: nn.Module = timm.create_model(name, pretrained=False, img_size=32).double()
    sizes = {"embed_dim": 192, "num_heads": 3, "mlp_dim": 768, "patch_size": 16, "image_size": 32}
    ours, changes = loaded("mbt_tiny", image.state_dict(), **sizes)
    pixels = photographs(32)
    video = (2 * pixels - 1)[:, :, None].expand(-1, -1, ours.settings.tubelet_frames, -1, -1)
    with torch.no_grad():
        expected = image.patch_embed(published(pixels) if distilled else 2 * pixels - 1)
        assert_equal(ours.stems["video"].patch_embed(video), expected)
    assert ("folded" in changes) is distilled


def test_a_model_that_was_saved_before_its_pixels_were_scaled_is_read(tmp_path: Path) -> None:
    model: Any = create("avt_base", video_arch="r3d18", audio_arch="tiny")
    state = {name: tensor for name, tensor in model.state_dict().items() if ".pixels." not in name}
    assert len(state) == len(model.state_dict()) - 2
    arguments = {"video_arch": "r3d18", "audio_arch": "tiny"}
    save_model(tmp_path / "m", state, ModelDescription("avt_base", arguments))
    read: Any = load_model(tmp_path / "m").model
    assert read.encoder.video.pixels.scale.tolist() == [1, 1, 1]
