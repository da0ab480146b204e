"""I3D's published weights: the names of the JAX port, which keeps TensorFlow's, with batch norms to fold."""

import re

import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.i3d.i3d import I3D
from avtool.models.published.report import LoadReport, State, copy_into, drop_mismatched_head

EPSILON = 1e-3
"""Of I3D's batch norms, which have a centre and no scale."""

_STEM = ("Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3")
_UNIT = re.compile(
    r"^(?:params|batch_stats)/(?P<unit>.+)/(?:Conv_0|BatchNorm_0)/(?P<leaf>kernel|bias|mean|var)$"
)
_MIXED = re.compile(r"^Mixed_(?P<block>\d[a-f])/Branch_(?P<branch>[0-3])/Conv3d_0(?P<place>[ab])_[13]x[13]$")
_LOGITS = "Logits/Conv3d_0c_1x1"


def load_i3d(model: I3D, state: State) -> LoadReport:
    """Loads I3D's published weights, or avtool's own.

    Raises:
        BadInputError: the weights do not fit.
    """
    changes: list[str] = []
    if is_published(state):
        state = rename_i3d(state)
        changes.append("batch norms folded into the convolutions before them")
    drop_mismatched_head(state, model, ("head.weight", "head.bias"), changes)
    return copy_into(model, state, changes)


def is_published(state: State) -> bool:
    """Whether tensors have the names of the published ones."""
    return f"params/{_LOGITS}/Conv_0/kernel" in state and f"params/{_STEM[0]}/Conv_0/kernel" in state


def rename_i3d(state: State) -> State:
    """Published names to ours, with batch norms folded.

    Raises:
        BadInputError: a convolution has no batch norm, or an unknown name.
    """
    units: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        found = _UNIT.match(name)
        if found is None:
            raise BadInputError(f"`{name}` is no tensor of I3D", "get the file again")
        units.setdefault(found["unit"], {})[found["leaf"]] = tensor
    renamed: State = {}
    for unit, parts in units.items():
        if unit == _LOGITS:
            renamed["head.weight"] = parts["kernel"].flatten(0, 3).T
            renamed["head.bias"] = parts["bias"]
            continue
        if missing := {"kernel", "bias", "mean", "var"} - parts.keys():
            message = f"the weights of I3D's `{unit}` lack {', '.join(sorted(missing))}"
            raise BadInputError(message, "get the file again")
        factor = 1 / torch.sqrt(parts["var"].flatten() + EPSILON)
        prefix = _name(unit)
        kernel = parts["kernel"].permute(4, 3, 0, 1, 2)
        renamed[f"{prefix}.weight"] = kernel * factor[:, None, None, None, None]
        renamed[f"{prefix}.bias"] = parts["bias"].flatten() - parts["mean"].flatten() * factor
    return renamed


def _name(unit: str) -> str:
    if unit in _STEM:
        return f"stem.{_STEM.index(unit)}"
    if found := _MIXED.match(unit):
        place = int(found["place"] == "b" and found["branch"] in "12")
        return f"mixed.{found['block']}.branches.{found['branch']}.{place}"
    raise BadInputError(f"`{unit}` is no convolution of I3D", "get the file again")
