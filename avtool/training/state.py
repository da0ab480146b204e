"""The state of a running training: gathered for a checkpoint, and restored from one."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from avtool.training.checkpoints import Progress, Tensors
from avtool.training.metric_buffer import NotFiniteError
from avtool.training.moments import gather_moments, scatter_moments
from avtool.training.net import gather_weights, scatter_weights, whole
from avtool.training.optimizers import Optimizers
from avtool.training.weight_average import WeightAverage


@dataclass
class TrainingState:
    """Weights, moments, running average and loss scale of a run.

    Attributes:
        net: whose tensor names carry no wrapper's prefix: the plain network, or the sharded one.
        optimizers: torch's own, without Accelerate's wrapper.
        average: of the weights, or None.
        scaler: of the loss in fp16, or None.
        sharded: whether every process holds a part (FSDP); then all of them call the methods together.
        frozen: the names of frozen parameters; a checkpoint's state leaves them out.
        named: those of them that the model folder does not store either, as it names where they come from.
        updates: times that the average was moved.
    """

    net: nn.Module
    optimizers: Optimizers
    average: WeightAverage | None
    scaler: Any
    sharded: bool
    frozen: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    updates: int = 0

    def move_average(self, weight: float) -> None:
        """Moves the average towards the weights."""
        assert self.average is not None, "there is an average to move"
        self.average.update(weight)
        self.updates += 1

    @property
    def averaged(self) -> AbstractContextManager[None]:
        """Inside, the network holds the weights to use now: the average, once there is one."""
        return self.average.swapped_in() if self.average and self.updates else nullcontext()

    def used_weights(self) -> dict[str, Tensor]:
        """A copy of the weights to use now, as a model folder holds them."""
        with self.averaged:
            weights = gather_weights(self.net, sharded=self.sharded)
            kept = (item for item in weights.items() if item[0] not in self.named)
            return {name: value.detach().to("cpu", copy=True) for name, value in kept}

    def tensors(self, used: dict[str, Tensor]) -> tuple[Tensors, dict[str, float]]:
        """What a checkpoint holds: tensors, and the optimiser's plain numbers.

        Args:
            used: `used_weights()`, kept apart only where they are an average.
        """
        weights = self._changing(gather_weights(self.net, sharded=self.sharded))
        moments: dict[str, Tensor] = {}
        numbers: dict[str, float] = {}
        for optimizer in self.optimizers.values():
            tensors, plain = gather_moments(self.net, optimizer, sharded=self.sharded)
            moments, numbers = moments | tensors, numbers | plain
        average = self._changing(used) if self.average and self.updates else None
        return Tensors(weights, moments, average), numbers

    def _changing(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: value for name, value in weights.items() if name not in self.frozen}

    def restore(self, progress: Progress, tensors: Tensors) -> None:
        """Makes everything what it was when the checkpoint was written."""
        self.updates = progress.updates
        if self.average and tensors.average is not None:
            self._scatter(tensors.average)
            self.average.take_from_module()
        self._scatter(tensors.weights)
        moments: dict[str, Tensor | float] = {**tensors.optimizer, **progress.optimizer}
        for optimizer in self.optimizers.values():
            scatter_moments(self.net, optimizer, moments, sharded=self.sharded)
        if self.scaler is not None and progress.scaler:
            self.scaler.load_state_dict(progress.scaler)

    def _scatter(self, weights: dict[str, Tensor]) -> None:
        if self.frozen:
            own = gather_weights(self.net, sharded=self.sharded)
            weights = {name: own[name] for name in self.frozen} | weights
        scatter_weights(self.net, weights, sharded=self.sharded)

    def need_finite(self, step: int) -> None:
        """Refuses weights with NaN or infinity.

        Raises:
            NotFiniteError: there are some.
        """
        buffers = [buffer for buffer in self.net.buffers() if buffer.is_floating_point()]
        parameters = [parameter.detach() for parameter in self.net.parameters()]
        for tensors in (parameters, buffers):
            if not bool(whole(torch.nn.utils.get_total_norm(tensors, float("inf"))).isfinite()):
                raise NotFiniteError(f"weights are not finite after step {step}", step)
