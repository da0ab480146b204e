"""Between the objects of a running training and the named tensors of a checkpoint.

Names, and not positions, tie the optimiser's moments to parameters. Under FSDP every process holds a shard:
then all of them gather and scatter together, and the files are the same as those of one process.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from avtool.core.errors import CorruptArtifactError

Moments = dict[str, dict[str, Any]]
"""Parameter → name of a moment → its value."""


def gather_weights(net: nn.Module, *, sharded: bool) -> dict[str, Tensor]:
    """The weights by name."""
    if not sharded:
        return dict(net.state_dict())
    from torch.distributed.checkpoint.state_dict import get_model_state_dict

    whole: dict[str, Any] = get_model_state_dict(net, options=_whole())
    return whole


def scatter_weights(net: nn.Module, weights: Mapping[str, Tensor], *, sharded: bool) -> None:
    """Puts weights by name into the network.

    Raises:
        CorruptArtifactError: they belong to another network.
    """
    try:
        if sharded:
            from torch.distributed.checkpoint.state_dict import set_model_state_dict

            set_model_state_dict(net, dict(weights), options=_whole())
        else:
            net.load_state_dict(dict(weights))
    except RuntimeError as error:
        message = f"the checkpoint belongs to another network: {' '.join(str(error).split())[:300]}"
        raise CorruptArtifactError(message, "remove the run's folder and begin anew") from error


def gather_moments(
    net: nn.Module, optimizer: Optimizer, *, sharded: bool
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """The optimiser's state by `parameter.moment`: tensors, and plain numbers."""
    moments: Any
    if sharded:
        from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict

        moments = get_optimizer_state_dict(net, optimizer, options=_whole()).get("state", {})
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
        set_optimizer_state_dict(net, optimizer, state, options=_whole())
        return
    ordered = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    found = {i: moments[names[p]] for i, p in enumerate(ordered) if names[p] in moments}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": found})
    _lay_out_like_parameters(optimizer)


def whole(value: Tensor) -> Tensor:
    """A number that every process knows in full, where each may hold a part of it."""
    gather = getattr(value, "full_tensor", None)
    together: Tensor = gather() if gather else value
    return together


def _lay_out_like_parameters(optimizer: Optimizer) -> None:
    """Files hold plain rows, but fused kernels walk a moment and its weight side by side in memory."""
    state: Mapping[Tensor, dict[str, Any]] = optimizer.state
    for parameter, values in state.items():
        for key, value in values.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                values[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _names(net: nn.Module) -> dict[Tensor, str]:
    return {parameter: name for name, parameter in net.named_parameters()}


def _whole() -> Any:
    from torch.distributed.checkpoint.state_dict import StateDictOptions

    return StateDictOptions(full_state_dict=True, cpu_offload=True)
