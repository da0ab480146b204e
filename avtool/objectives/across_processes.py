"""Sums and gathers over the processes that train together; with one process they cost nothing."""

import torch
from torch import Tensor
from torch import distributed as dist


def num_processes() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _together() else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return dist.get_rank() if _together() else 0


def gather(values: Tensor) -> Tensor:
    """(B, ...) of this process → (processes · B, ...) of all, in their order.

    Gradients find their way back to the process that a row came from. Where each process takes the mean loss
    of its own rows, and DDP the mean gradient over processes, they are those of one process with all rows.
    """
    if not _together():
        return values
    from torch.distributed.nn.functional import all_gather

    return torch.cat(list(all_gather(values)))  # type: ignore[no-untyped-call]


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """The mean of `values` with `weights` of the same shape, so that the mean over processes is that of all.

    0 where all weights are 0.
    """
    weights = weights.to(values.dtype)
    total = weights.detach().sum()
    if _together():
        total = total.clone()
        dist.all_reduce(total)
    share = total / num_processes()
    return (values * weights).sum() / share.clamp(min=torch.finfo(values.dtype).tiny)


def _together() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
