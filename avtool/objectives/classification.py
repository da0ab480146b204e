"""Supervised classification: many labels a clip, one, or a verb and a noun.

A batch holds the model's inputs by name, `label`, and optionally:
- `audio_present`, `video_present`: (B,) masks of the samples that have the modality;
- `audio_label`, `video_label`: labels of one modality, after a mixup of modalities apart.
Labels are class indices, or float vectors (multi-hot, or mixed).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.data.inputs.mixup import one_hot
from avtool.models.layers.presence import average_present

Criterion = Callable[[Tensor, Tensor], Tensor]
"""(logits (B, C), label) → the loss of each sample (B,)."""


def binary_cross_entropy(
    logits: Tensor, label: Tensor, *, smoothing: float = 0.0, over_classes: Literal["mean", "sum"] = "mean"
) -> Tensor:
    """Binary cross-entropy for several labels a clip.

    Args:
        logits: (B, C).
        label: (B, C) floats, or (B,) indices.
        smoothing: see `smooth`.
        over_classes: a learning rate belongs to one of the two, as the sum is C times as steep. AST and SAM-S
            take the mean, MBT the sum.
    """
    target = smooth(one_hot(label, logits.shape[-1]), smoothing)
    losses = F.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="none")
    return losses.sum(dim=-1) if over_classes == "sum" else losses.mean(dim=-1)


def cross_entropy(logits: Tensor, label: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Softmax cross-entropy for one label a clip; `label` (B,) indices or (B, C) floats."""
    target = smooth(one_hot(label, logits.shape[-1]), smoothing)
    return F.cross_entropy(logits, target.to(logits.dtype), reduction="none")


def split_cross_entropy(
    logits: Tensor, label: Tensor, *, sizes: tuple[int, ...] = (97, 300), smoothing: float = 0.0
) -> Tensor:
    """The mean of a softmax cross-entropy for each part of the logits: EPIC-Kitchens' verbs and nouns.

    Args:
        logits: (B, sum of sizes).
        label: (B, parts) indices, or (B, sum of sizes) floats.
        sizes: classes of each part.
        smoothing: see `smooth`.
    """
    labels = torch.split(label, list(sizes), dim=-1) if label.is_floating_point() else label.unbind(dim=-1)
    parts = zip(torch.split(logits, list(sizes), dim=-1), labels, strict=True)
    return torch.stack([cross_entropy(part, target, smoothing=smoothing) for part, target in parts]).mean(
        dim=0
    )


def smooth(target: Tensor, smoothing: float) -> Tensor:
    """Label smoothing of targets (…, C), for multi-hot vectors too: y (1 - s) + s / C."""
    return target * (1 - smoothing) + smoothing / target.shape[-1] if smoothing else target


CRITERIA: dict[str, Callable[..., Tensor]] = {
    "multi-label": binary_cross_entropy,
    "multi-label-sum": partial(binary_cross_entropy, over_classes="sum"),
    "single-label": cross_entropy,
    "verb-noun": split_cross_entropy,
}


@dataclass(frozen=True)
class Classification:
    """Supervised classification of clips.

    Attributes:
        inputs: entries of a batch that the model takes by name, where the batch has them (`model.inputs`).
        criterion: (logits, label) → (B,) losses, such as `partial(CRITERIA["single-label"], smoothing=0.1)`.
        each_modality: in training of a model that gives several (`ClassifierOutput.modality_logits`), score
            each modality's own logits and average the losses, as MBT does; in evaluation `logits` count.
    """

    inputs: tuple[str, ...]
    criterion: Criterion
    each_modality: bool = False

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scores a batch.

        Returns:
            `loss`, and in training by modality the loss of each, as `loss_audio`.
        """
        output = model(**{name: batch[name] for name in self.inputs if name in batch})
        if not (self.each_modality and model.training and output.modality_logits):
            return {"loss": self.criterion(output.logits, batch["label"]).mean()}
        losses, scalars, present = {}, {}, {}
        for name, logits in output.modality_logits.items():
            present[name] = batch.get(f"{name}_present")
            losses[name] = self.criterion(logits, batch.get(f"{name}_label", batch["label"]))
            scalars[f"loss_{name}"] = _mean_of_present(losses[name].detach(), present[name])
        return {"loss": average_present(losses, present).mean(), **scalars}


def _mean_of_present(losses: Tensor, present: Tensor | None) -> Tensor:
    if present is None:
        return losses.mean()
    return (losses * present).sum() / present.sum().clamp(min=1)
