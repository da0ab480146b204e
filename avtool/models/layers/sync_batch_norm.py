"""Batch norm over the batches of all processes, on any device."""

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn.modules.batchnorm import _BatchNorm


class SyncBatchNorm(_BatchNorm):
    """Batch norm whose mean and variance are those of the samples of all processes, with gradients.

    In one process it is plain batch norm. Torch's has no kernels for CPUs and is refused by DDP there: here
    sums are all-reduced, wherever they are. Processes may hold batches of different sizes. Weights and
    statistics have the names of `nn.BatchNorm2d`.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Maps (B, C, …) → the same shape and type."""
        several = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
        return self._over_processes(input) if self.training and several else super().forward(input)

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002
        assert input.dim() >= 2, f"maps of (B, C, …), not of {tuple(input.shape)}"

    def _over_processes(self, maps: Tensor) -> Tensor:
        from torch.distributed.nn.functional import all_reduce

        axes = [axis for axis in range(maps.dim()) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(maps.dim())]
        values = maps.to(torch.promote_types(maps.dtype, torch.float32))
        count = values.new_tensor(float(maps.numel() // maps.shape[1]))
        dist.all_reduce(count)
        mean: Any = all_reduce(values.sum(axes)) / count  # type: ignore[no-untyped-call]
        centred = values - mean.reshape(shape)
        variance: Any = all_reduce(centred.square().sum(axes)) / count  # type: ignore[no-untyped-call]
        self._track(mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
        scale = self.weight * (variance + self.eps).rsqrt()
        output: Tensor = (centred * scale.reshape(shape) + self.bias.reshape(shape)).to(maps.dtype)
        return output

    def _track(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the running statistics."""
        assert self.running_mean is not None and self.running_var is not None, "they are tracked"  # noqa: PT018
        assert self.num_batches_tracked is not None and self.momentum is not None, "by a constant share"  # noqa: PT018
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
