"""Tiny masked models learn a handful of clips by heart, and only where they know what stands where."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from avtool.models.registry import create
from avtool.objectives.masked.mavil import MAViLStage1, MAViLStage2
from avtool.objectives.masked.reconstruction import MaskedReconstruction

torch.set_num_threads(1)


def smooth_images(count: int = 8, size: int = 32) -> Tensor:
    """Sums of a few waves of random direction and colour."""
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.linspace(0, 1, size), torch.linspace(0, 1, size), indexing="ij")
    waves = torch.randn(count, 3, 4, 4, generator=generator)
    phase = 2 * math.pi * (waves[..., 0, None, None] * x + waves[..., 1, None, None] * y)
    return ((phase + 3 * waves[..., 2, None, None]).sin() * waves[..., 3, None, None]).sum(dim=2)


def moving_pairs(count: int = 8) -> dict[str, Tensor]:
    """Sounds of 128 x 32 and videos of 4 x 32 x 32 that are as smooth as the images, each its own."""
    sound = smooth_images(count, 128)[:, 0, :, :32]
    frames = smooth_images(count, 36)
    video = torch.stack([frames[:, :, t : t + 32, t : t + 32] for t in range(4)], dim=2)
    return {"audio": sound, "video": video}


def noise(model: Any, names: tuple[str, ...], count: int = 8) -> dict[str, Tensor]:
    return {
        name: torch.rand(count, model.grids[name.split("_")[0]].num_tokens)
        for name in names
        if "noise" in name
    }


def learn(
    model: nn.Module, objective: nn.Module, clips: dict[str, Tensor], steps: int, *, fresh_masks: bool = False
) -> dict[str, float]:
    """Trains on the same clips; the last step's scalars, or with fresh masks the means of the last 50."""
    torch.manual_seed(0)
    learning = [p for p in [*model.parameters(), *objective.parameters()] if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=2e-3, weight_decay=0.05, betas=(0.9, 0.95), fused=True)
    names: Any = model.masked_inputs
    batch = clips | noise(model, names)
    history = []
    for _ in range(steps):
        if fresh_masks:
            batch = clips | noise(model, names)
        scores = objective(model, batch)
        optimizer.zero_grad()
        scores["loss"].backward()
        optimizer.step()
        history.append({name: value.item() for name, value in scores.items()})
    last = history[-50:] if fresh_masks else history[-1:]
    return {name: sum(line[name] for line in last) / len(last) for name in last[0]}


def tiny_mae() -> Any:
    torch.manual_seed(0)
    return create("mae_tiny_pretrain")


def test_a_tiny_mae_learns_eight_images() -> None:
    start = learn(tiny_mae(), MaskedReconstruction(), {"image": smooth_images()}, 1)["loss"]
    assert 0.9 < start < 2
    assert learn(tiny_mae(), MaskedReconstruction(), {"image": smooth_images()}, 400)["loss"] < 0.05


@pytest.mark.slow
def test_without_positions_it_does_not() -> None:
    model = tiny_mae()
    model.encoder.pos_embed.zero_()
    model.decoder.pos_embed.zero_()
    assert learn(model, MaskedReconstruction(), {"image": smooth_images()}, 400)["loss"] > 0.8


@pytest.mark.slow
def test_with_other_masks_in_every_step_it_learns_the_images_still() -> None:
    loss = learn(tiny_mae(), MaskedReconstruction(), {"image": smooth_images()}, 600, fresh_masks=True)[
        "loss"
    ]
    assert loss < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("decoder", ["global", "window"])
def test_a_tiny_audio_mae_learns_eight_sounds(decoder: str) -> None:
    torch.manual_seed(0)
    model = create("audio_mae_tiny_pretrain", decoder=decoder, num_mel_bins=32)
    clips = {"audio": moving_pairs()["audio"]}
    assert learn(model, MaskedReconstruction(), clips, 600)["loss"] < 0.05


@pytest.mark.slow
def test_a_tiny_video_mae_learns_eight_videos() -> None:
    torch.manual_seed(0)
    model = create("video_mae_tiny_pretrain", mask_ratio=0.75)
    clips = {"video": moving_pairs()["video"]}
    assert learn(model, MaskedReconstruction("channel"), clips, 600)["loss"] < 0.1


@pytest.mark.slow
def test_decoding_half_of_the_hidden_tokens_learns_them_all() -> None:
    torch.manual_seed(0)
    model = create("mae_tiny_pretrain", decode_fraction=0.5)
    clips = {"image": smooth_images()}
    assert learn(model, MaskedReconstruction(), clips, 600, fresh_masks=True)["loss"] < 0.25


@pytest.mark.slow
def test_a_tiny_mavil_learns_eight_pairs_and_teaches_a_student() -> None:
    ratios = {"audio_mask_ratio": 0.75, "video_mask_ratio": 0.75}
    torch.manual_seed(0)
    teacher = create("mavil_tiny_pretrain", **ratios)
    first = learn(teacher, MAViLStage1(), moving_pairs(), 800)
    assert first["loss_audio"] + first["loss_video"] < 0.1
    assert first["loss_inter"] < 0.1
    assert 1.17 < first["loss_intra"] < 1.45  # 1.17 is the least that eight clips allow
    student = create("mavil_tiny_pretrain", predicts="features", **ratios)
    second = learn(student, MAViLStage2(teacher), moving_pairs(), 400)
    assert second["loss_audio"] + second["loss_video"] < 0.15
    assert second["loss_inter"] < 0.2
