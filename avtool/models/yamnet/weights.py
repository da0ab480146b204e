"""YAMNet's published weights: Keras names, those of the PyTorch port, and ONNX with folded batch norms."""

import csv
import re
from pathlib import Path

import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.published.report import LoadReport, State, copy_into, drop_mismatched_head
from avtool.models.yamnet.yamnet import YAMNet

EPSILON = 1e-4
"""Of YAMNet's batch norms, which have a centre and no scale."""

_CONVOLUTION = re.compile(
    r"(?:^|[./])layer(?P<layer>\d+)[./](?P<part>conv|fused|depthwise_conv|pointwise_conv)[./](?P<leaf>.+)$"
)
_LAST = re.compile(r"(?:^|[./])(?:logits|dense|classifier|predictions)[./](?P<leaf>[^./]+)$")
_LEAVES = {
    "kernel": "weight", "depthwise_kernel": "weight", "weight": "weight", "conv.weight": "weight",
    "bias": "bias", "conv.bias": "bias",
    "bn/beta": "shift", "bn.bias": "shift", "bn/gamma": "scale", "bn.weight": "scale",
    "bn/moving_mean": "mean", "bn.running_mean": "mean",
    "bn/moving_variance": "variance", "bn.running_var": "variance",
}  # fmt: skip
_KERAS = ":0"


def load_yamnet(model: YAMNet, state: State) -> LoadReport:
    """Loads YAMNet's weights in any of the published layouts, or avtool's own.

    Raises:
        BadInputError: the weights do not fit.
    """
    changes: list[str] = []
    if any(_CONVOLUTION.search(name) for name in state):
        state = rename_yamnet(state, changes)
    drop_mismatched_head(state, model, ("head.weight", "head.bias"), changes)
    return copy_into(model, state, changes)


def num_classes_of(state: State) -> int | None:
    """The classes of published weights that have the layers of YAMNet; None for other weights."""
    renamed = rename_yamnet(dict(state), [])
    last, first = renamed.get("head.bias"), renamed.get("layers.0.0.weight")
    if last is None or first is None or first.shape != (32, 1, 3, 3) or "layers.13.1.weight" not in renamed:
        return None
    return len(last)


def rename_yamnet(state: State, changes: list[str]) -> State:
    """Published names to ours, with batch norms folded into the convolutions before them.

    Raises:
        BadInputError: a convolution has a batch norm without its statistics.
    """
    convolutions: dict[str, dict[str, Tensor]] = {}
    renamed: State = {}
    for name, tensor in state.items():
        keras = name.endswith(_KERAS)
        plain = name.removesuffix(_KERAS)
        if found := _CONVOLUTION.search(plain):
            leaf = _leaf_of(found["leaf"])
            place = int(found["part"] == "pointwise_conv")
            prefix = f"layers.{int(found['layer']) - 1}.{place}"
            if leaf is not None:
                value = _as_torch(tensor, leaf, found["part"]) if keras else tensor
                convolutions.setdefault(prefix, {})[leaf] = value
                continue
        elif found := _LAST.search(plain):
            leaf = {"kernel": "weight"}.get(found["leaf"], found["leaf"])
            renamed[f"head.{leaf}"] = tensor.T if keras and leaf == "weight" else tensor
            continue
        renamed[name] = tensor
    for prefix, parts in convolutions.items():
        weight, bias = _folded(prefix, parts)
        renamed[f"{prefix}.weight"], renamed[f"{prefix}.bias"] = weight, bias
    if any("variance" in parts for parts in convolutions.values()):
        changes.append("batch norms folded into the convolutions before them")
    return renamed


def _leaf_of(path: str) -> str | None:
    """What a tensor is; Keras repeats the layer's name inside its file, as in `bn/layer1/conv/bn/beta`."""
    ends = (name for name in sorted(_LEAVES, key=len, reverse=True))
    return next((_LEAVES[end] for end in ends if path == end or path.endswith(f"/{end}")), None)


def _as_torch(tensor: Tensor, leaf: str, part: str) -> Tensor:
    """Kernels (H, W, in, out) and, depthwise, (H, W, in, 1) as (out, in, H, W)."""
    if leaf != "weight":
        return tensor
    return tensor.permute(2, 3, 0, 1) if part == "depthwise_conv" else tensor.permute(3, 2, 0, 1)


def _folded(prefix: str, parts: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    weight = parts.get("weight")
    if weight is None or ("mean" in parts) != ("variance" in parts):
        message = f"the weights of YAMNet's `{prefix}` are not whole ({', '.join(sorted(parts))})"
        raise BadInputError(message, "get the file again")
    bias = parts.get("bias", torch.zeros(len(weight)))
    if "variance" in parts:
        factor = parts.get("scale", torch.ones(len(weight))) / (parts["variance"] + EPSILON).sqrt()
        weight = weight * factor[:, None, None, None]
        bias = (bias - parts["mean"]) * factor
    if "shift" in parts:
        bias = bias + parts["shift"]
    return weight, bias


def class_names() -> tuple[str, ...]:
    """The 521 classes in the order of the logits: AudioSet's names for people."""
    with Path(__file__).with_name("classes.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(row["display_name"] for row in csv.DictReader(stream))
