"""The optimisers of a training: each by its name, over parameters of its own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from avtool.core.errors import BadInputError
from avtool.core.requirements import require
from avtool.training.parameter_groups import ParameterGroup, Part, parameters_of, torch_groups
from avtool.training.recipe import OptimizationRecipe, OptimizerRecipe

MAIN = "main"
"""The optimiser of `[optimizer]` and `[schedule]`: it has all parameters that no other one takes."""


@dataclass(frozen=True)
class NamedOptimizer:
    """An optimiser beside the main one.

    Attributes:
        name: in phases and in the log (`lr/NAME`).
        parts: what it trains.
        recipe: its settings and its schedule.
    """

    name: str
    parts: Sequence[Part]
    recipe: OptimizationRecipe


class Optimizers(Mapping[str, torch.optim.Optimizer]):
    """The optimisers of a network by name.

    Args:
        net: the whole network.
        main: settings of the main optimizer.
        others: optimisers beside it.
        groups: parameter groups of the task; none spreads over two optimisers.

    Attributes:
        recipes: the settings of each.

    Raises:
        BadInputError: every parameter is frozen.
        MissingError: LARS is wanted, and timm is not installed.
    """

    def __init__(
        self,
        net: nn.Module,
        main: OptimizationRecipe,
        others: Sequence[NamedOptimizer] = (),
        groups: Sequence[ParameterGroup] = (),
    ) -> None:
        names = [MAIN, *(other.name for other in others), *(group.name for group in groups)]
        assert len(set(names)) == len(names), f"a name stands twice in {names}"
        owner = {parameter: other.name for other in others for parameter in parameters_of(other.parts)}
        self.recipes: dict[str, OptimizationRecipe] = {}
        self._made: dict[str, torch.optim.Optimizer] = {}
        for name, recipe in [(MAIN, main), *((other.name, other.recipe) for other in others)]:
            own = [parameter for parameter in net.parameters() if owner.get(parameter, MAIN) == name]
            if made := torch_groups(net, own, recipe.optimizer, groups):
                self.recipes[name] = recipe
                self._made[name] = make_optimizer(made, recipe.optimizer)
        if not self._made:
            raise BadInputError("nothing to train: every parameter of the model is frozen")

    def __getitem__(self, name: str) -> torch.optim.Optimizer:
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def parameters(self, name: str) -> list[nn.Parameter]:
        """What an optimiser trains."""
        return [parameter for group in self[name].param_groups for parameter in group["params"]]

    @contextmanager
    def only(self, moving: Sequence[str]) -> Iterator[None]:
        """Inside, the parameters of all other optimisers are frozen: their gradients cost nothing."""
        still = [parameter for name in self if name not in moving for parameter in self.parameters(name)]
        for parameter in still:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in still:
                parameter.requires_grad_(True)


def make_optimizer(groups: Sequence[dict[str, Any]], recipe: OptimizerRecipe) -> torch.optim.Optimizer:
    """The optimiser that a recipe names, over parameter groups.

    Raises:
        MissingError: LARS is wanted, and timm is not installed.
    """
    if recipe.name == "sgd":
        return torch.optim.SGD(
            groups,
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov and recipe.momentum > 0,
            fused=recipe.fused,
        )
    if recipe.name == "lars":
        adapted = [group | {"always_adapt": group["matrices"]} for group in groups]
        lars = require("timm.optim", "hub").Lars(adapted, lr=recipe.lr, momentum=recipe.momentum)
        assert isinstance(lars, torch.optim.Optimizer), "timm's optimisers are torch's"
        return lars
    kind = torch.optim.AdamW if recipe.name == "adamw" else torch.optim.Adam
    return kind(groups, lr=recipe.lr, betas=recipe.betas, fused=recipe.fused)
