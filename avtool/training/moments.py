"""Moments of optimisers by name: names, and not positions, tie them to parameters."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, empty_like, nn
from torch.optim import Optimizer

from avtool.training.net import full_state

Moments = dict[str, dict[str, Any]]
"""Parameter → name of a moment → its value."""


def gather_moments(
    net: nn.Module, optimizer: Optimizer, *, sharded: bool
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """The optimiser's state by `parameter.moment`: tensors, and plain numbers."""
    moments: Any
    if sharded:
        from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict

        moments = get_optimizer_state_dict(net, optimizer, options=full_state()).get("state", {})
    else:
        names = _names(net)
        moments = {names[parameter]: state for parameter, state in optimizer.state.items()}
    flat = {f"{name}.{key}": value for name, state in moments.items() for key, value in state.items()}
    tensors = {name: value for name, value in flat.items() if isinstance(value, Tensor)}
    numbers = {name: value for name, value in flat.items() if isinstance(value, int | float)}
    return tensors, numbers


def scatter_moments(
    net: nn.Module, optimizer: Optimizer, flat: Mapping[str, Tensor | float], *, sharded: bool
) -> None:
    """Puts the optimiser's state by `parameter.moment` back."""
    moments: Moments = {}
    for name, value in flat.items():
        parameter, _, key = name.rpartition(".")
        moments.setdefault(parameter, {})[key] = value
    names = _names(net)
    if sharded:
        from torch.distributed.checkpoint.state_dict import set_optimizer_state_dict

        groups: Any = [
            {**group, "params": [names[parameter] for parameter in group["params"]]}
            for group in optimizer.param_groups
        ]
        state: Any = {"state": moments, "param_groups": groups}
        set_optimizer_state_dict(net, optimizer, state, options=full_state())
        return
    ordered = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    found = {i: moments[names[p]] for i, p in enumerate(ordered) if names[p] in moments}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": found})
    _lay_out_like_parameters(optimizer)


def _lay_out_like_parameters(optimizer: Optimizer) -> None:
    """Files hold plain rows, but fused kernels walk a moment and its weight side by side in memory."""
    state: Mapping[Tensor, dict[str, Any]] = optimizer.state
    for parameter, values in state.items():
        for key, value in values.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                values[key] = empty_like(parameter, dtype=value.dtype).copy_(value)


def _names(net: nn.Module) -> dict[Tensor, str]:
    return {parameter: name for name, parameter in net.named_parameters()}
