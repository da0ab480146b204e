"""A process of two that share clips of the adversarial stage: run by `test_generation_processes.py`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from avtool.models.layers.sync_batch_norm import SyncBatchNorm
from avtool.models.registry import create
from avtool.objectives.video_autoencoder import (
    DISCRIMINATOR,
    GENERATOR,
    AdversarialReconstruction,
    AutoencoderWeights,
    MultiScaleDistance,
)
from avtool.training.accelerator import leave_process_group
from avtool.training.net import Net

SHARES = (slice(0, 3), slice(3, 8))
"""Rows of the maps that each process has: as many need not be in both."""


def clips() -> dict[str, Tensor]:
    """Four clips, each with the frame that is looked at."""
    generator = torch.Generator().manual_seed(0)
    video = torch.rand(4, 3, 4, 32, 32, generator=generator, dtype=torch.float64) * 2 - 1
    return {"video": video, "frame": torch.arange(4) % 3}


def build() -> tuple[Net, AdversarialReconstruction]:
    """The tiny autoencoder with small discriminators, in double precision."""
    torch.manual_seed(0)
    model = create("pvdm_autoencoder_tiny", frames=4, height=32, width=32)
    objective = AdversarialReconstruction(AutoencoderWeights(), MultiScaleDistance(), (8, 16))
    return Net(model, objective).double(), objective


def learn(net: Any, objective: AdversarialReconstruction, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gradients and buffers after a step of each phase, by name."""
    found = {}
    for phase in (GENERATOR, DISCRIMINATOR):
        net.zero_grad(set_to_none=True)
        objective.requires_grad_(phase == DISCRIMINATOR)
        loss: Tensor = net(lambda model, phase=phase: objective(model, batch, phase=phase))["loss"]
        loss.backward()
        whole = getattr(net, "module", net)
        for name, parameter in whole.named_parameters():
            if parameter.grad is not None:
                found[f"{phase} {name}"] = parameter.grad.clone()
    return {**found, **{name: value.clone() for name, value in getattr(net, "module", net).named_buffers()}}


def maps() -> Tensor:
    """Eight maps with a mean far from 0."""
    return torch.randn(8, 5, 3, 4, generator=torch.Generator().manual_seed(1)) * 3 + 20


def normalize(norm: torch.nn.Module, given: Tensor) -> dict[str, Tensor]:
    """Outputs, gradients and running statistics of a batch norm over two batches."""
    leaf = given.clone().requires_grad_()
    norm(given.flip(1))
    outputs = norm(leaf)
    (outputs.sin() * (outputs.detach() * 3).cos()).sum().backward()
    grads = {name: parameter.grad for name, parameter in norm.named_parameters()}
    return {"outputs": outputs.detach(), "given": leaf.grad, **grads, **dict(norm.named_buffers())}


def main(folder: Path) -> None:
    """Writes what each process found."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    net, objective = build()
    parallel = DistributedDataParallel(net, find_unused_parameters=True)
    share = {name: value.chunk(size)[rank] for name, value in clips().items()}
    found = {"learned": learn(parallel, objective, share)}
    found["normed"] = normalize(SyncBatchNorm(5), maps()[SHARES[rank]])
    torch.save(found, folder / f"{rank}.pt")
    leave_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
