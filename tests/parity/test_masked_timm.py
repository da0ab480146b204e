"""Parts of masked models against timm: the window block, and fine-tuning's forward pass."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from avtool.models.masked.audio_mae_weights import load_audio_mae
from avtool.models.masked.mae_weights import load_mae
from avtool.models.masked.window_block import WindowBlock
from avtool.models.registry import create

torch.set_num_threads(1)
timm = pytest.importorskip("timm")


def randomise(module: nn.Module) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))


@pytest.mark.parametrize("shift", [(0, 0), (2, 2)])
def test_window_block_equals_swin_v2_cr(shift: tuple[int, int]) -> None:
    from timm.models.swin_transformer_v2_cr import SwinTransformerV2CrBlock

    theirs = SwinTransformerV2CrBlock(
        dim=32,
        num_heads=4,
        feat_size=(16, 8),
        window_size=(4, 4),
        shift_size=shift,
        init_values=None,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
    ).eval()
    randomise(theirs)
    ours = WindowBlock(32, 4, (16, 8), (4, 4), shift)
    ours.load_state_dict(theirs.state_dict())
    tokens = torch.randn(2, 16, 8, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(tokens), theirs(tokens), rtol=0, atol=1e-5)


def test_audio_classifier_equals_timms_vision_transformer() -> None:
    from timm.models.vision_transformer import VisionTransformer

    ours: Any = create("audio_mae_tiny", num_frames=128, num_mel_bins=64, num_classes=7).eval()
    theirs = VisionTransformer(
        img_size=(128, 64),
        patch_size=16,
        in_chans=1,
        num_classes=7,
        embed_dim=64,
        depth=2,
        num_heads=4,
        global_pool="avg",
    ).eval()
    randomise(theirs)
    theirs.pos_embed.data.copy_(ours.encoder.pos_embed)
    state = theirs.state_dict()
    report = load_audio_mae(ours, state)
    assert report.missing == report.unexpected == ()
    audio = torch.randn(2, 128, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours(audio=audio).logits, theirs(audio[:, None]), rtol=0, atol=1e-5)


def test_image_classifier_equals_timms_vision_transformer() -> None:
    from timm.models.vision_transformer import VisionTransformer

    theirs = VisionTransformer(
        img_size=32, patch_size=8, num_classes=10, embed_dim=64, depth=2, num_heads=4, global_pool="avg"
    ).eval()
    randomise(theirs)
    ours = create("mae_tiny").eval()
    assert load_mae(ours, theirs.state_dict()).missing == ()  # type: ignore[arg-type]
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(image=image).logits, theirs(image), rtol=0, atol=1e-5)
