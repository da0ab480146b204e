"""The gradients of one step over a batch that two processes share, beside those of one process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from avtool.training.accelerator import leave_process_group
from avtool.training.net import Net

Loss = Callable[[Any, dict[str, Tensor]], Tensor]


def write_gradients(path: Path, net: Net, loss_of: Loss, batch: dict[str, Tensor]) -> None:
    """Takes this process's share of the batch in a step of all; the first process writes the gradients."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    share = {name: value.chunk(size)[rank] for name, value in batch.items()}
    parallel = DistributedDataParallel(net)  # lives until the gradients are averaged
    loss_of(parallel, share).backward()
    if rank == 0:
        torch.save({name: parameter.grad for name, parameter in net.named_parameters()}, path)
    leave_process_group()


def check_gradients(path: Path, net: Net, loss_of: Loss, batch: dict[str, Tensor]) -> None:
    """The written gradients are those of one process with the whole batch."""
    of_two = torch.load(path, weights_only=True)
    loss_of(net, batch).backward()
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(of_two[name], parameter.grad, rtol=1e-4, atol=1e-6, msg=name)
