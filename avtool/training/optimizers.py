"""Optimisers with the groups that Transformers are trained with: decay for matrices alone, rates by depth."""

import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from avtool.core.errors import BadInputError
from avtool.core.requirements import require
from avtool.training.recipe import OptimizerRecipe

_BLOCK = re.compile(
    r"(?P<tower>(?:.*\.)??)(?:blocks?|resblocks|layers?|stages?)\.(?:[a-z]\w*\.)?(?P<index>\d+)\."
)


def make_optimizer(module: nn.Module, recipe: OptimizerRecipe) -> torch.optim.Optimizer:
    """Builds the optimiser of a module's trainable parameters.

    Each group holds, beside torch's settings, its `scale`: the factor of its learning rate.

    Raises:
        BadInputError: every parameter is frozen.
        MissingError: LARS is wanted, and timm is not installed.
    """
    groups: list[dict[str, Any]] = [
        {
            "params": parameters,
            "weight_decay": recipe.weight_decay if decayed else 0.0,
            "scale": scale,
            "lr": recipe.lr * scale,
        }
        | ({"always_adapt": decayed} if recipe.name == "lars" else {})
        for (decayed, scale), parameters in _grouped(module, recipe).items()
    ]
    if not groups:
        raise BadInputError("nothing to train: every parameter of the model is frozen")
    if recipe.name == "sgd":
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, fused=recipe.fused)
    if recipe.name == "lars":
        lars = require("timm.optim", "hub").Lars(groups, lr=recipe.lr, momentum=recipe.momentum)
        assert isinstance(lars, torch.optim.Optimizer), "timm's optimisers are torch's"
        return lars
    kind = torch.optim.AdamW if recipe.name == "adamw" else torch.optim.Adam
    return kind(groups, lr=recipe.lr, betas=recipe.betas, fused=recipe.fused)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the learning rate of every group to its share of `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def _grouped(module: nn.Module, recipe: OptimizerRecipe) -> dict[tuple[bool, float], list[nn.Parameter]]:
    decayed = set(decayed_names(module))
    scales = layer_scales([name for name, _ in module.named_parameters()], recipe.layer_decay)
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name in decayed, scales[name]), []).append(parameter)
    return groups


def decayed_names(module: nn.Module) -> Iterator[str]:
    """The parameters that weight decay pulls to zero: weights of linear layers and convolutions.

    Not biases and norms; nor embeddings, positions, class tokens and bottlenecks, whose zero means nothing.
    """
    for prefix, owner in module.named_modules():
        if isinstance(owner, nn.Embedding | nn.EmbeddingBag):
            continue
        for name, parameter in owner.named_parameters(prefix, recurse=False):
            if parameter.dim() > 1 and name.endswith("weight"):
                yield name


def layer_scales(names: list[str], decay: float) -> dict[str, float]:
    """Factors of the learning rate by depth: decay^(layers above).

    The parameters of the i-th of n blocks (`blocks.0.`, `stages.audio.3.`) have n - i above them (the head is
    one); what a tower defines before its first block (patches, tokens, positions) lies below, and what it
    defines after (norm, head) on top, at the full rate. A model of several towers is measured tower by tower.

    Args:
        names: parameters in the order of their definition.
        decay: factor from each layer to the one below; 1 for equal rates.
    """
    if decay == 1:
        return dict.fromkeys(names, 1.0)
    found = {name: match for name in names if (match := _BLOCK.match(name))}
    num_blocks: dict[str, int] = {}
    for match in found.values():
        num_blocks[match["tower"]] = max(num_blocks.get(match["tower"], 0), int(match["index"]) + 1)
    scales, begun = {}, set()
    for name in names:
        tower = max((t for t in num_blocks if name.startswith(t)), key=len, default=None)
        above = 0
        if name in found:
            tower = found[name]["tower"]
            begun.add(tower)
            above = num_blocks[tower] - int(found[name]["index"])
        elif tower is not None and tower not in begun:
            above = num_blocks[tower] + 1
        scales[name] = decay**above
    return scales
