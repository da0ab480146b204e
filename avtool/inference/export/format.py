"""The interface of an export format, and the comparison of what was written with the original."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from avtool.core.errors import SomeFailedError
from avtool.inference.export.network import Batch, Exportable

BATCHES = (1, 3)
"""Batch sizes of the comparison; networks are traced with neither, so that the axis is shown to be free."""

TOLERANCE = 1e-4
"""Largest difference allowed, in units of the largest output (1 where that is smaller), of any model."""

Runner = Callable[[Batch], Mapping[str, Tensor]]


class Format(ABC):
    """A way of writing a network for other programs.

    Attributes:
        name: on the command line.
        requires: the modules that it needs, with the extra of avtool that installs each.
    """

    name: ClassVar[str]
    requires: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def write(self, model: Exportable, folder: Path) -> None:
        """Writes a network into a folder.

        Raises:
            BadInputError: the format cannot hold it.
        """

    @abstractmethod
    def load(self, model: Exportable, folder: Path) -> Runner:
        """Reads what was written as its users do, and returns what runs it on the CPU."""

    @abstractmethod
    def usage(self, model: Exportable) -> str:
        """Python that loads what was written, for the card."""


@dataclass(frozen=True)
class Comparison:
    """What was written beside the original, over seeded noise.

    Attributes:
        largest_difference: of two outputs.
        largest_output: the largest absolute output of the original.
        batches: the batch sizes.
    """

    largest_difference: float
    largest_output: float
    batches: tuple[int, ...] = BATCHES

    @property
    def tolerance(self) -> float:
        """The largest difference that passes."""
        return TOLERANCE * max(1.0, self.largest_output)

    @property
    def passes(self) -> bool:
        """Whether all outputs are finite, and close enough."""
        return math.isfinite(self.largest_difference) and self.largest_difference <= self.tolerance


def compare(model: Exportable, run: Runner, name: str) -> Comparison:
    """Runs both networks on the same batches.

    Args:
        model: the original.
        run: what was written.
        name: of the format, for the message.

    Raises:
        SomeFailedError: they differ by more than the tolerance, or are not finite.
    """
    difference = largest = 0.0
    for count in BATCHES:
        batch = model.batch(count)
        theirs = run(batch)
        for output, ours in model.results(batch).items():
            found = theirs[output]
            if found.shape != ours.shape:
                message = (
                    f"the {name} network gives {output} of {tuple(found.shape)}, not {tuple(ours.shape)}"
                )
                raise SomeFailedError(message, "please report it")
            difference = max(difference, _largest(found - ours))
            largest = max(largest, _largest(ours))
    compared = Comparison(difference, largest)
    if not compared.passes:
        message = (
            f"the {name} network differs from the model by {difference:.2g}, over {compared.tolerance:.2g}"
        )
        raise SomeFailedError(message, "nothing was written; please report it")
    return compared


def _largest(values: Tensor) -> float:
    """The largest absolute value; infinite where one is not finite."""
    value = float(values.abs().max())
    return value if math.isfinite(value) else math.inf
