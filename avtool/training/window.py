"""The scalars of the steps since the last line of the log, left on the device until somebody looks."""

import math
from collections.abc import Mapping

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor

Scalars = dict[str, list[float]]
"""Name → one number a step."""


class NotFiniteError(Exception):
    """A loss or a weight that is no number any more."""


class Window:
    """Collects scalars without making a GPU wait, and brings them together over steps and processes.

    Args:
        accelerator: the processes and their device.
        step: steps done.
        pending: numbers that an interrupted run had collected.
    """

    def __init__(self, accelerator: Accelerator, step: int, pending: Scalars) -> None:
        self._accelerator = accelerator
        self._step = step
        self._known: Scalars = {name: list(values) for name, values in pending.items()}
        self._waiting: dict[str, list[Tensor]] = {}
        self._looking_is_free = accelerator.device.type == "cpu" and accelerator.num_processes == 1

    def add(self, scalars: Mapping[str, Tensor]) -> None:
        """Adds the scalars of the next step, each of no dimension.

        Raises:
            NotFiniteError: the loss is not finite, and looking at it costs nothing here.
        """
        self._step += 1
        for name, value in scalars.items():
            self._waiting.setdefault(name, []).append(value.detach())
        if self._looking_is_free:
            self.look()

    def look(self) -> Scalars:
        """Waits for the device and returns what was collected since the last `clear`.

        Raises:
            NotFiniteError: a loss is not finite.
        """
        for name, values in self._waiting.items():
            self._known.setdefault(name, []).extend(self._numbers(values))
        self._waiting = {}
        losses = self._known.get("loss", [])
        for ago, loss in enumerate(reversed(losses)):
            if not math.isfinite(loss):
                raise NotFiniteError(f"the loss became {loss} at step {self._step - ago}")
        return self._known

    def clear(self) -> None:
        """Begins anew, after the means were written."""
        self._known = {}

    def _numbers(self, values: list[Tensor]) -> list[float]:
        if self._looking_is_free:
            return [value.item() for value in values]
        together = torch.stack([value.double() for value in values])
        if self._accelerator.num_processes > 1:
            together = self._accelerator.reduce(together, reduction="mean")
        numbers: list[float] = together.tolist()
        return numbers
