"""The scalars of the steps since the last line of the log, left on the device until they are read."""

import math
from collections.abc import Mapping, Sequence

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor

_NO_TERMS = ("loss", "grad_norm")
Scalars = dict[str, list[float]]
"""Name → one number for each step that had it."""


class NotFiniteError(Exception):
    """A loss or a weight that became NaN or infinite.

    Args:
        message: what it is.
        step: the step after which it showed, counted from 1.
        terms: the scalars of that step that are not finite.
    """

    def __init__(self, message: str, step: int, terms: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.step = step
        self.terms = tuple(terms)


def is_loss(name: str) -> bool:
    """Whether a scalar is what a phase minimises: `loss`, or `generator/loss`."""
    return name.rpartition("/")[2] == "loss"


class MetricBuffer:
    """Collects scalars without making a GPU wait, and reduces them over processes when they are read.

    Args:
        accelerator: the processes and their device.
        step: steps done.
        pending: numbers that an interrupted run had collected.
    """

    def __init__(self, accelerator: Accelerator, step: int, pending: Scalars) -> None:
        self._accelerator = accelerator
        self._step = step
        self._read: Scalars = {name: list(values) for name, values in pending.items()}
        self._waiting: dict[str, dict[int, Tensor]] = {}
        self._reading_is_free = accelerator.device.type == "cpu" and accelerator.num_processes == 1

    def add(self, scalars: Mapping[str, Tensor]) -> None:
        """Adds the scalars of the next step, each of no dimension and by the same names in every process.

        Raises:
            NotFiniteError: a loss is not finite, and reading it costs nothing here.
        """
        self._step += 1
        for name, value in scalars.items():
            self._waiting.setdefault(name, {})[self._step] = value.detach()
        if self._reading_is_free:
            self.read()

    def read(self) -> Scalars:
        """Waits for the device and returns what was collected since the last `clear`.

        Raises:
            NotFiniteError: a loss is not finite.
        """
        new: dict[str, dict[int, float]] = {}
        for name, values in self._waiting.items():
            new[name] = dict(zip(values, self._numbers(list(values.values())), strict=True))
            self._read.setdefault(name, []).extend(new[name].values())
        self._waiting = {}
        _need_finite(new)
        return self._read

    def clear(self) -> None:
        """Forgets what was read, after its means were written."""
        self._read = {}

    def _numbers(self, values: list[Tensor]) -> list[float]:
        if self._reading_is_free:
            return [value.item() for value in values]
        stacked = torch.stack([value.double() for value in values])
        if self._accelerator.num_processes > 1:
            stacked = self._accelerator.reduce(stacked, reduction="mean")
        numbers: list[float] = stacked.tolist()
        return numbers


def _need_finite(new: Mapping[str, Mapping[int, float]]) -> None:
    """Refuses the first loss that is not finite, and names its terms."""
    bad = [(step, name) for name, values in new.items() for step in values if not math.isfinite(values[step])]
    losses = sorted((step, name) for step, name in bad if is_loss(name))
    if not losses:
        return
    step, loss = losses[0]
    phase = loss.removesuffix("loss")
    same = [name.removeprefix(phase) for when, name in bad if when == step and name.startswith(phase)]
    terms = [name for name in same if name.partition("/")[0] not in _NO_TERMS]
    of = f" (of its terms: {', '.join(terms)})" if terms else ""
    raise NotFiniteError(f"the {loss} became {new[loss][step]} at step {step}{of}", step, terms)
