"""The optimiser of a network, and its learning rate in each step."""

from collections.abc import Sequence

import torch
from torch import nn

from avtool.core.errors import BadInputError
from avtool.core.requirements import require
from avtool.training.parameter_groups import ParameterGroup, torch_groups
from avtool.training.recipe import OptimizerRecipe


def make_optimizer(
    module: nn.Module, recipe: OptimizerRecipe, groups: Sequence[ParameterGroup] = ()
) -> torch.optim.Optimizer:
    """Builds the optimiser of a module's trainable parameters.

    Raises:
        BadInputError: every parameter is frozen.
        MissingError: LARS is wanted, and timm is not installed.
    """
    settings = torch_groups(module, module.parameters(), recipe, groups)
    if not settings:
        raise BadInputError("nothing to train: every parameter of the model is frozen")
    if recipe.name == "sgd":
        return torch.optim.SGD(settings, lr=recipe.lr, momentum=recipe.momentum, fused=recipe.fused)
    if recipe.name == "lars":
        adapted = [group | {"always_adapt": group["decayed"]} for group in settings]
        lars = require("timm.optim", "hub").Lars(adapted, lr=recipe.lr, momentum=recipe.momentum)
        assert isinstance(lars, torch.optim.Optimizer), "timm's optimisers are torch's"
        return lars
    kind = torch.optim.AdamW if recipe.name == "adamw" else torch.optim.Adam
    return kind(settings, lr=recipe.lr, betas=recipe.betas, fused=recipe.fused)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the learning rate of every group to its share of `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
