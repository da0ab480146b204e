"""A process of two that share a batch of latents: run by `test_generation_processes.py` under torchrun."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avtool.models.registry import create
from avtool.objectives.diffusion import NoisePrediction
from avtool.training.net import Net
from tests.unit.objectives.shared_batch import write_gradients


def latents(count: int) -> dict[str, Tensor]:
    """Latents, of which every other one has a clip before, with noise and times."""
    generator = torch.Generator().manual_seed(0)
    shape = (count, 4, 48)
    before = torch.rand(shape, generator=generator) * 2 - 1
    before[::2] = 0
    drawn = torch.rand(shape, generator=generator) * 2 - 1
    noise = torch.randn(shape, generator=generator)
    times = torch.randint(1000, (count,), generator=generator)
    return {"latents": drawn, "latents_condition": before, "noise": noise, "timestep": times}


def build() -> Net:
    """The tiny U-Net with weights that let gradients pass everywhere."""
    torch.manual_seed(0)
    model = create("pvdm_unet_tiny", frames=4, rows=4, columns=4)
    for value in model.parameters():
        value.data.add_(0.02 * torch.randn_like(value))
    return Net(model, NoisePrediction())


def loss_of(net: Any, batch: dict[str, Tensor]) -> Tensor:
    """The objective's loss."""
    loss: Tensor = net(lambda model: NoisePrediction()(model, batch))["loss"]
    return loss


if __name__ == "__main__":
    write_gradients(Path(sys.argv[1]), build(), loss_of, latents(4))
