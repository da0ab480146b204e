"""All-gather and weighted means over the processes of a distributed training; no-ops with one process."""

import torch
from torch import Tensor
from torch import distributed as dist


def world_size() -> int:
    """The number of processes that train together; 1 without a distributed training."""
    return dist.get_world_size() if _is_distributed() else 1


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if _is_distributed() else 0


def all_gather(values: Tensor) -> Tensor:
    """(B, ...) of this process → (processes · B, ...) of all, in their order, with gradients.

    Where each process takes the mean loss of its own rows, and DDP the mean gradient over processes, the
    gradients are those of one process with all rows.
    """
    if not _is_distributed():
        return values
    from torch.distributed.nn import functional

    return torch.cat(list(functional.all_gather(values)))  # type: ignore[no-untyped-call]


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean of this process's values, scaled so that its mean over processes is that of all rows.

    `weights` has the shape of `values`; 0 where all weights are 0.
    """
    weights = weights.to(values.dtype)
    total = weights.detach().sum()
    if _is_distributed():
        total = total.clone()
        dist.all_reduce(total)
    share = total / world_size()
    return (values * weights).sum() / share.clamp(min=torch.finfo(values.dtype).tiny)


def _is_distributed() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
