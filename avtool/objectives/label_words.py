"""Losses over label words: cross entropy of classes, KL divergence of a regression (LM-BFF §4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere


@dataclass(frozen=True)
class LabelWordLoss:
    """The loss of a batch of prompts.

    Attributes:
        inputs: entries of the batch that the model takes.
        bounds: lowest and highest value of a regression; None for classes.
    """

    inputs: Sequence[str]
    bounds: tuple[float, float] | None = None

    def __call__(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """(model, batch with `target` (B,)) → loss, and accuracy or mean absolute error."""
        logits: Tensor = model(**{name: batch[name] for name in self.inputs}).logits.float()
        target: Tensor = batch["target"]
        loss = loss_of(self.bounds)(logits, target)
        if self.bounds is None:
            return {"loss": loss, "accuracy": (logits.argmax(dim=1) == target.long()).float().mean()}
        return {"loss": loss, "error": (predicted_values(logits, self.bounds) - target).abs().mean()}


def loss_of(bounds: tuple[float, float] | None) -> Callable[[Tensor, Tensor], Tensor]:
    """(logits, targets) → the loss of classes, or of a regression."""
    if bounds is None:
        return lambda logits, target: F.cross_entropy(logits, target.long())
    return lambda logits, target: range_divergence(logits, target, bounds)


def range_divergence(logits: Tensor, target: Tensor, bounds: tuple[float, float]) -> Tensor:
    """KL(t ‖ p), the batch's mean, of the shares that a target has of the two ends of its range.

    The published code averages over elements and takes shares for logarithms of shares, whose minimum is not
    at the target; this is the paper's divergence.

    Args:
        logits: (B, 2) of the words of the low and the high end.
        target: (B,) values in the range.
        bounds: of the range.
    """
    high = (target - bounds[0]) / (bounds[1] - bounds[0])
    shares = torch.stack([1 - high, high], dim=1)
    return F.kl_div(F.log_softmax(logits, dim=1), shares, reduction="batchmean")


def predicted_values(logits: Tensor, bounds: tuple[float, float]) -> Tensor:
    """The values (B,) of logits (B, 2): low + (high − low) · p(high)."""
    low, high = bounds
    return low + (high - low) * F.softmax(logits.float(), dim=1)[:, 1]
