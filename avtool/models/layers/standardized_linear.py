"""Last layers over standardised features: linear probes by gradient descent."""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn, ones, zeros

from avtool.core.errors import BadInputError

_EPS = 1e-6
_INITIAL = 0.01
"""Deviation of initial weights. LARS moves a layer by a share of its weights' norm: from 2e-5 it stays."""


class StandardizedLinear(nn.Linear):
    """A linear layer behind a batch norm without affine parameters (He et al., 2022, A.1).

    Args:
        in_features: width of the features.
        out_features: classes.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features)
        self.register_buffer("running_mean", zeros(in_features))
        self.register_buffer("running_var", ones(in_features))
        nn.init.normal_(self.weight, std=_INITIAL)
        nn.init.zeros_(self.bias)

    def standardize(self, features: Tensor) -> Tensor:
        """(..., D) by the batch's mean and variance in training, else by their running means."""
        flat = features.reshape(-1, features.shape[-1])
        several = self.training and len(flat) > 1
        normed = F.batch_norm(flat, self.running_mean, self.running_var, training=several, eps=_EPS)
        return normed.reshape(features.shape)

    def forward(self, features: Tensor) -> Tensor:
        """(..., D) → (..., C)."""
        return super().forward(self.standardize(features))


def standardize_head(model: nn.Module, name: str) -> None:
    """Replaces the linear layers of a model's head, for a probe of its frozen features.

    Raises:
        BadInputError: the model has no head of its own.
    """
    head = getattr(model, "head", None)
    if not isinstance(head, nn.Module):
        raise BadInputError(f"`{name}` has no head to train alone", "train without --freeze")
    if isinstance(head, nn.Linear):
        model.head = _standardized(head)
        return
    for owner in list(head.modules()):
        for child_name, child in list(owner.named_children()):
            if isinstance(child, nn.Linear):
                setattr(owner, child_name, _standardized(child))


def _standardized(linear: nn.Linear) -> StandardizedLinear:
    return StandardizedLinear(linear.in_features, linear.out_features)
