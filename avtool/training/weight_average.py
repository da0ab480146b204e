"""Weight averaging along a run: exponential (EMA), or the mean over epochs.

Torch's `AveragedModel` holds a second module, whose frozen parameters would double; this one copies what is
trained, and one kernel moves it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn


def ema_decay(updates: int, decay: float, *, ramp: bool) -> float:
    """The share of the old average that survives an update, after `updates` earlier ones.

    With the ramp it begins at 1/10 and grows, so that the random start is forgotten: with 0.999 alone, a run
    of 200 steps would end with four fifths of it.
    """
    return min(decay, (1 + updates) / (10 + updates)) if ramp else decay


class WeightAverage:
    """The running average of a module's trained parameters and floating buffers (batch-norm statistics).

    Args:
        module: followed; its own tensors are changed only inside `swapped_in`.
        exclude: prefixes of buffers that are no statistics: the mean of two states of a queue is no queue.
    """

    def __init__(self, module: nn.Module, exclude: tuple[str, ...] = ()) -> None:
        # apart, as FSDP shards parameters alone, and one kernel takes tensors of one kind
        self._live: list[list[Tensor]] = [
            [parameter for parameter in module.parameters() if parameter.requires_grad],
            [
                buffer
                for name, buffer in module.named_buffers()
                if buffer.is_floating_point() and not name.startswith(exclude)
            ],
        ]
        self._mean = _copies(self._live)

    @torch.no_grad()
    def update(self, weight: float) -> None:
        """Moves the average by `weight` of the way to the module's tensors; 1 makes it equal to them."""
        for mean, live in zip(self._mean, self._live, strict=True):
            if live:
                torch._foreach_lerp_(mean, live, weight)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Puts the average into the module: inside, it computes, and is saved, with the averaged tensors."""
        own = _copies(self._live)
        _copy(self._mean, self._live)
        try:
            yield
        finally:
            _copy(own, self._live)

    def take_from_module(self) -> None:
        """Makes the average equal to the module's tensors."""
        _copy(self._live, self._mean)


def _copies(lists: list[list[Tensor]]) -> list[list[Tensor]]:
    return [[tensor.detach().clone() for tensor in tensors] for tensors in lists]


@torch.no_grad()
def _copy(source: list[list[Tensor]], target: list[list[Tensor]]) -> None:
    for old, new in zip(chain(*source), chain(*target), strict=True):
        new.copy_(old)
