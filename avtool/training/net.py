"""The network and its objective as one module, so that all work on the weights enters by `forward`."""

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor, nn

from avtool.training.task import Objective

Result = TypeVar("Result")

MODEL, OBJECTIVE = "model.", "objective."
"""The prefixes of the model's and of the objective's own names in the whole."""


class Net(nn.Module):
    """Model and objective together.

    DDP and FSDP do their work around `forward`. An objective may call any method of the model, so it is
    handed in and runs inside.

    Args:
        model: the network to save.
        objective: kept here where it is a module, for its own parameters.
    """

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model = model
        if isinstance(objective, nn.Module):
            self.objective = objective

    def forward(self, work: Callable[[nn.Module], Result]) -> Result:
        """Runs `work` on the model."""
        return work(self.model)


def only_model(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The model's share of the weights, under its own names."""
    return {name.removeprefix(MODEL): value for name, value in weights.items() if name.startswith(MODEL)}
