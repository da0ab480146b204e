"""Loading of named tensors into a model, with a report of what did not match."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError

State = dict[str, Tensor]
_TABLES = (
    "model", "state_dict", "module", "model_state_dict", "model_state", "net", "network", "weights", "params",
    "model_weights", "net_state_dict", "state",
)  # fmt: skip
"""Where trainers keep the weights in a checkpoint."""
_MOST_NESTED = 4
_WRAPPERS = re.compile(
    r"^(?:(?:module|_orig_mod|_forward_module|_fsdp_wrapped_module)\.)+"
    r"|(?<=\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\."
)
"""What `torch.compile`, DDP, Fabric, FSDP and checkpointing put before the names of what they wrap."""
_PREFIXES = ("model.", "net.", "network.", "host.")
"""What a trainer's module, or our encoder of another library, calls its network."""
_MOST_NAMES = 8
_FEWEST_SHARED = 0.1  # of the names: a last layer is called alike in many architectures


@dataclass(frozen=True)
class LoadReport:
    """The result of loading weights.

    Attributes:
        missing: parameters that the weights lack; they keep their initial values.
        unexpected: tensors that the model has no parameter for.
        changes: adaptations, a line each.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    changes: tuple[str, ...]

    def lines(self) -> list[str]:
        """The report, a line each."""
        lines = list(self.changes)
        if self.missing:
            lines.append(f"not in the weights: {_some(self.missing)}")
        if self.unexpected:
            lines.append(f"in the weights but not used: {_some(self.unexpected)}")
        return lines


def unwrap(checkpoint: Mapping[str, object]) -> State:
    """The tensors of a checkpoint of any trainer: under `model`, `state_dict`, … and by their plain names.

    Raises:
        BadInputError: it holds no tensors.
    """
    for _ in range(_MOST_NESTED):
        inner = next((checkpoint[key] for key in _TABLES if isinstance(checkpoint.get(key), Mapping)), None)
        if inner is None:
            break
        checkpoint = inner  # type: ignore[assignment]
    tensors = {str(name): value for name, value in checkpoint.items() if isinstance(value, Tensor)}
    if not tensors:
        found = ", ".join(f"`{key}`" for key in list(checkpoint)[:5]) or "nothing"
        raise BadInputError(f"the checkpoint holds no tensors (it holds {found})", "is it of model weights?")
    return {_WRAPPERS.sub("", name): value for name, value in tensors.items()}


def without_prefix(state: State, names: Collection[str]) -> State:
    """The tensors without what another trainer's module puts before a network's names: `model.`, `net.`, ….

    Args:
        state: of `unwrap`.
        names: those of the network; a prefix stays where that finds more of them.
    """
    best = state
    for prefix in _PREFIXES:
        inner = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        gain = len(inner.keys() & names) - len(best.keys() & names)
        if gain > 0 or (gain == 0 and len(inner) == len(state)):
            best = inner
    return best


def copy_into(model: nn.Module, state: State, changes: list[str]) -> LoadReport:
    """Copies the tensors whose names are the model's.

    Args:
        model: changed in place.
        state: tensors under the model's names.
        changes: adaptations so far.

    Raises:
        BadInputError: a tensor has another shape than its parameter, or hardly any name is the model's.
    """
    targets = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers())
    persistent = model.state_dict().keys()
    shared = len(state.keys() & persistent)
    if 0 < shared < len(persistent) * _FEWEST_SHARED:
        message = (
            f"the weights are of another architecture: {shared} of the model's {len(persistent)} names agree"
        )
        raise BadInputError(message, "start from weights of the same architecture")
    for name in sorted(state.keys() & persistent):
        if state[name].shape != targets[name].shape:
            raise BadInputError(
                f"`{name}` is {format_shape(state[name])} in the weights and {format_shape(targets[name])} "
                "in the model",
                "build the model with the width, depth and patches of the weights",
            )
    with torch.no_grad():
        for name in state.keys() & persistent:
            targets[name].copy_(state[name])
    return LoadReport(
        missing=tuple(name for name in persistent if name not in state),
        unexpected=tuple(sorted(state.keys() - persistent)),
        changes=tuple(changes),
    )


def load_by_name(model: nn.Module, state: State) -> LoadReport:
    """Loads weights under the model's own names; last layers for other classes keep their initial values.

    Raises:
        BadInputError: a tensor has another shape than its parameter, or hardly any name is the model's.
    """
    changes: list[str] = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and "head" in name.split("."):
            drop_mismatched_head(state, model, (f"{name}.weight", f"{name}.bias"), changes)
    return copy_into(model, state, changes)


def drop_mismatched_head(state: State, model: nn.Module, names: tuple[str, ...], changes: list[str]) -> None:
    """Drops a last layer with another number of classes than the model's."""
    weight = state.get(names[0])
    target = dict(model.named_parameters())[names[0]]
    if weight is not None and weight.shape[0] != target.shape[0]:
        classes = f"classes: {weight.shape[0]} → {target.shape[0]}"
        changes.append(f"{classes}, the last layer keeps its initial values")
        for name in names:
            state.pop(name, None)


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def format_shape(tensor: Tensor) -> str:
    """A shape such as 768x1x16x16."""
    return "x".join(map(str, tensor.shape)) or "a number"
