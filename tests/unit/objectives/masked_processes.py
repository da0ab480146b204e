"""A process of two that share a batch of clips: run by `test_masked_processes.py` under torchrun."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from avtool.models.registry import create
from avtool.objectives.masked.mavil import ContrastWeights, MAViLStage1
from avtool.training.accelerator import leave_process_group
from avtool.training.net import Net

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


def main(path: Path) -> None:
    """Writes the gradients of one step that all processes did together, by the first of them."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    net = build()
    parallel = DistributedDataParallel(net)
    share = {name: value.chunk(size)[rank] for name, value in clips(4).items()}
    loss_of(parallel, share).backward()
    if rank == 0:
        torch.save({name: parameter.grad for name, parameter in net.named_parameters()}, path)
    leave_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
