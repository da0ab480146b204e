"""Parameter groups: which parameters share a learning rate, a weight decay and a schedule.

Modules declare their depth and tasks declare their groups; nothing is read from the names of parameters.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import nn
from torch.nn.modules.conv import _ConvNd

from avtool.training.recipe import GroupRecipe, OptimizerRecipe

Part = nn.Module | nn.Parameter
"""A parameter, or a module that stands for all of its parameters."""

_MATRICES = (nn.Linear, nn.Bilinear, _ConvNd, nn.MultiheadAttention, nn.RNNBase)
_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


@runtime_checkable
class Layered(Protocol):
    """A module that declares its layers, for layer-wise decay of the learning rate."""

    def parameter_layers(self) -> Sequence[Sequence[Part]]:
        """Its parts from input to output, a list a layer: embeddings first, then block after block.

        What it does not name (a last norm, a head) stands above all layers, at the full rate.
        """
        ...


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that a task trains by settings of their own.

    Attributes:
        name: in the log (`lr/NAME`).
        parts: what it takes; groups do not overlap.
        recipe: its rate, weight decay and schedule.
    """

    name: str
    parts: Sequence[Part]
    recipe: GroupRecipe


def parameters_of(parts: Iterable[Part]) -> Iterator[nn.Parameter]:
    """The parameters of some parts; a parameter of two parts comes twice."""
    for part in parts:
        yield from (part,) if isinstance(part, nn.Parameter) else part.parameters()


def owners(groups: Sequence[ParameterGroup]) -> dict[nn.Parameter, ParameterGroup]:
    """The group of each parameter that has one."""
    found: dict[nn.Parameter, ParameterGroup] = {}
    for group in groups:
        for parameter in parameters_of(group.parts):
            owner = found.setdefault(parameter, group)
            assert owner is group, f"the groups {owner.name} and {group.name} share a parameter"
    return found


def torch_groups(
    module: nn.Module,
    parameters: Iterable[nn.Parameter],
    recipe: OptimizerRecipe,
    groups: Sequence[ParameterGroup],
) -> list[dict[str, Any]]:
    """The groups of a torch optimiser.

    Each holds, beside torch's settings, its `group`, the name of the task's group or an empty string; its
    `scale`, the factor on the group's learning rate by depth; and whether it holds `matrices`.

    Args:
        module: the whole network, whose modules declare depths.
        parameters: those of the optimiser, without frozen ones.
        recipe: of the optimiser.
        groups: what the task declares.
    """
    matrices, scales, owner = decayed(module), layer_scales(module, recipe.layer_decay), owners(groups)
    sorted_out: dict[tuple[str, float, float, bool], list[nn.Parameter]] = {}
    for parameter in parameters:
        if not parameter.requires_grad:
            continue
        own = owner[parameter].recipe if parameter in owner else GroupRecipe()
        decay = own.weight_decay
        if decay is None:
            decay = recipe.weight_decay if parameter in matrices else 0.0
        name = owner[parameter].name if parameter in owner else ""
        key = (name, decay, scales[parameter], parameter in matrices)
        sorted_out.setdefault(key, []).append(parameter)
    return [
        {"params": members, "weight_decay": decay, "scale": scale, "group": name, "matrices": are_matrices}
        for (name, decay, scale, are_matrices), members in sorted_out.items()
    ]


def decayed(module: nn.Module) -> set[nn.Parameter]:
    """The parameters that weight decay shrinks: weights of linear, convolution and attention layers.

    Not biases and norms; nor embeddings, positions, class tokens and bottlenecks, whose zero means nothing.
    """
    found: set[nn.Parameter] = set()
    embeddings: set[nn.Parameter] = set()
    for owner in module.modules():
        own = owner.parameters(recurse=False)
        if isinstance(owner, _MATRICES):
            found.update(parameter for parameter in own if parameter.dim() > 1)
        elif isinstance(owner, _EMBEDDINGS):
            embeddings.update(own)
    return found - embeddings  # an output layer may share its weights with an embedding


def layer_scales(module: nn.Module, decay: float) -> dict[nn.Parameter, float]:
    """Factors of the learning rate by depth: decay^(layers above), as the modules declare (`Layered`).

    Of n layers the lowest has n above it; what no module declares has none. Towers that declare their layers
    apart are measured apart; where a module and one inside it both declare, the outer one counts.

    Args:
        module: the whole network.
        decay: factor from each layer to the one below; 1 for equal rates.
    """
    scales: dict[nn.Parameter, float] = {}
    for owner in module.modules() if decay != 1 else ():
        if isinstance(owner, Layered):
            layers = owner.parameter_layers()
            above = {
                parameter: len(layers) - index
                for index, parts in enumerate(layers)
                for parameter in parameters_of(parts)
            }
            scales = {parameter: decay**layers for parameter, layers in above.items()} | scales
    return {parameter: scales.get(parameter, 1.0) for parameter in module.parameters()}
