"""The scalars of the steps since the last line of the log, left on the device until somebody looks."""

import math
from collections.abc import Mapping, Sequence

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor

_NO_TERMS = ("loss", "grad_norm")
Scalars = dict[str, list[float]]
"""Name → one number a step."""


class NotFiniteError(Exception):
    """A loss or a weight that is no number any more.

    Args:
        message: what it is.
        step: the step after which it showed, counted from 1.
        terms: the scalars of that step that are not finite.
    """

    def __init__(self, message: str, step: int, terms: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.step = step
        self.terms = tuple(terms)


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
        for place, loss in enumerate(losses):
            if not math.isfinite(loss):
                self._refuse(loss, place, ago=len(losses) - 1 - place)
        return self._known

    def _refuse(self, loss: float, place: int, *, ago: int) -> None:
        """Stops at the first loss that is not finite, and says which of its terms it was."""
        step = self._step - ago
        values = {name: known[place] for name, known in self._known.items() if len(known) > place}
        terms = [name for name, value in values.items() if name not in _NO_TERMS and not math.isfinite(value)]
        of = f" (of its terms: {', '.join(terms)})" if terms else ""
        raise NotFiniteError(f"the loss became {loss} at step {step}{of}", step, terms)

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
