"""VideoMAE against transformers' implementation: same random weights, same tubes."""

from typing import Any

import pytest
import torch

from avtool.models.masked.masking import masked_tokens
from avtool.models.masked.video_mae_weights import load_video_mae
from avtool.models.registry import create
from avtool.objectives.masked.reconstruction import MaskedReconstruction

torch.set_num_threads(1)
transformers = pytest.importorskip("transformers")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pair(**overrides: Any) -> tuple[Any, Any]:
    """Their model, all parameters random, with our position tables, which it does not save; and ours."""
    ours: Any = create("video_mae_tiny_pretrain", **overrides)
    settings = ours.settings
    config = transformers.VideoMAEConfig(
        image_size=settings.image_size,
        patch_size=settings.patch_size,
        num_frames=settings.video_frames,
        tubelet_size=settings.tubelet_frames,
        hidden_size=settings.embed_dim,
        num_hidden_layers=settings.depth,
        num_attention_heads=settings.num_heads,
        intermediate_size=4 * settings.embed_dim,
        decoder_hidden_size=settings.decoder_dim,
        decoder_num_hidden_layers=settings.decoder_depth,
        decoder_num_attention_heads=settings.decoder_heads,
        decoder_intermediate_size=4 * settings.decoder_dim,
        use_mean_pooling=False,  # or else the encoder's last norm is left out
        layer_norm_eps=1e-6,
    )
    torch.manual_seed(0)
    theirs = transformers.VideoMAEForPreTraining(config)
    theirs.decoder.norm.eps = 1e-6
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    theirs.videomae.embeddings.position_embeddings = ours.encoder.pos_embed
    theirs.position_embeddings = ours.decoder.pos_embed
    report = load_video_mae(ours, theirs.state_dict())
    assert report.missing == report.unexpected == report.changes == ()
    return theirs, ours


def video(image_size: int = 64) -> torch.Tensor:
    """Clips in ImageNet's statistics, which the targets undo."""
    pixels = torch.rand(2, 3, 4, image_size, image_size, generator=torch.Generator().manual_seed(1))
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1, 1) for values in (MEAN, STD))
    return (pixels - mean) / std


def test_loss_predictions_and_gradients_equal_transformers() -> None:
    theirs, ours = pair(image_size=64, mask_ratio=0.75)
    clips, noise = video(), torch.rand(2, 32)
    mask = masked_tokens(ours.masking.split(noise))
    expected = theirs(clips.transpose(1, 2), bool_masked_pos=mask)
    batch = {"video": clips, "video_noise": noise}
    loss = MaskedReconstruction("channel", MEAN, STD)(ours, batch)["loss"]
    torch.testing.assert_close(loss, expected.loss, rtol=1e-6, atol=0)

    rebuilt = ours(**batch)["video"]
    ascending = rebuilt.masked.argsort(dim=1)
    prediction = torch.take_along_dim(rebuilt.prediction, ascending[:, :, None], dim=1)
    torch.testing.assert_close(prediction, expected.logits, rtol=0, atol=1e-5)

    expected.loss.backward()
    loss.backward()
    pairs = [
        (ours.decoder.pred.weight, theirs.decoder.head.weight),
        (ours.encoder.patch_embed.proj.weight, theirs.videomae.embeddings.patch_embeddings.projection.weight),
        (ours.decoder.mask_token, theirs.mask_token),
        (ours.encoder.blocks[0].mlp.fc1.weight, theirs.videomae.encoder.layer[0].intermediate.dense.weight),
    ]
    for own, their in pairs:
        torch.testing.assert_close(own.grad, their.grad, rtol=1e-4, atol=1e-7)


def test_published_tubes_hide_176_places_and_leave_160_tokens() -> None:
    with torch.device("meta"):
        masking = create("video_mae_base_pretrain").masking
    assert masking.num_visible == 160  # type: ignore[union-attr]
    mask = masked_tokens(masking.split(torch.rand(3, 1568))).reshape(3, 8, 196)  # type: ignore[operator, union-attr]
    assert mask.sum(dim=2).unique().tolist() == [176]
    assert bool((mask == mask[:, :1]).all())


def test_positions_equal_those_of_transformers() -> None:
    from transformers.models.videomae.modeling_videomae import get_sinusoid_encoding_table

    ours: Any = create("video_mae_tiny_pretrain", image_size=128, video_frames=16)
    theirs = get_sinusoid_encoding_table(512, 64)
    torch.testing.assert_close(ours.encoder.pos_embed, theirs, rtol=0, atol=1e-7)
