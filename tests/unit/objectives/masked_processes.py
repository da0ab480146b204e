"""A process of two that share a batch of clips: run by `test_masked_processes.py` under torchrun."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avtool.models.registry import create
from avtool.objectives.masked.mavil import ContrastWeights, MAViLStage1
from avtool.training.net import Net
from tests.unit.objectives.shared_batch import write_gradients

HEAVY = ContrastWeights(alpha=3.0, beta=2.0)
"""Contrasts that weigh more than the rebuilding, so that a wrong gradient of theirs would show."""


def clips(count: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    batch = {
        "audio": torch.randn(count, 128, 32, generator=generator),
        "video": torch.randn(count, 3, 4, 32, 32, generator=generator),
    }
    for view in ("", "2"):
        batch[f"audio_noise{view}"] = torch.rand(count, 16, generator=generator)
        batch[f"video_noise{view}"] = torch.rand(count, 8, generator=generator)
    return batch


def build() -> Net:
    torch.manual_seed(0)
    return Net(create("mavil_tiny_pretrain"), MAViLStage1(HEAVY))


def loss_of(net: Any, batch: dict[str, Tensor]) -> Tensor:
    loss: Tensor = net(lambda model: MAViLStage1(HEAVY)(model, batch))["loss"]
    return loss


if __name__ == "__main__":
    write_gradients(Path(sys.argv[1]), build(), loss_of, clips(4))
