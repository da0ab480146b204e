"""Reconstruction targets: the values of patches, or patches normalised by their mean and deviation."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

TargetKind = Literal["values", "patch", "channel"]
"""values: as they are; patch: each patch normalised by its own mean and deviation (He et al., 2022); channel:
each colour of a patch by its own (Tong et al., 2022)."""

_EPS = 1e-6


class Scaling(NamedTuple):
    """Target = (values - mean) / scale; both broadcast to (B, M, K)."""

    mean: Tensor
    scale: Tensor


def scaling_of(patches: Tensor, kind: TargetKind, channels: int) -> Scaling:
    """How patches are normalised, in float32.

    Args:
        patches: (B, M, K), channels last.
        kind: see `TargetKind`.
        channels: colours of a patch.
    """
    values = patches.float()
    if kind == "values":
        return Scaling(values.new_zeros(()), values.new_ones(()))
    if kind == "patch":
        return Scaling(values.mean(dim=-1, keepdim=True), (values.var(dim=-1, keepdim=True) + _EPS).sqrt())
    colours = values.reshape(*values.shape[:-1], -1, channels)
    mean = colours.mean(dim=-2, keepdim=True).expand_as(colours).flatten(-2)
    scale = (colours.var(dim=-2, keepdim=True).sqrt() + _EPS).expand_as(colours).flatten(-2)
    return Scaling(mean, scale)


def make_targets(patches: Tensor, kind: TargetKind, channels: int) -> Tensor:
    """The targets (B, M, K) of patches, in float32."""
    with torch.no_grad():
        mean, scale = scaling_of(patches, kind, channels)
        return (patches.float() - mean) / scale


def undo_targets(prediction: Tensor, patches: Tensor, kind: TargetKind, channels: int) -> Tensor:
    """Predictions as values, with mean and contrast of the true patches, which the model does not predict.

    Args:
        prediction: (B, M, K).
        patches: (B, M, K) the true ones.
        kind: the targets that the model was trained on.
        channels: colours of a patch.
    """
    mean, scale = scaling_of(patches, kind, channels)
    return prediction.float() * scale + mean
