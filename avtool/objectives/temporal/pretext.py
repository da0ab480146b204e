"""Losses of the temporal pretext tasks: speed, direction and order."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from avtool.models.temporal.heads import modalities_of
from avtool.objectives.distributed import weighted_mean


def pretext_terms(pretext_logits: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The loss of each pretext task, its accuracy, and the accuracy of chance.

    Args:
        pretext_logits: logits (B, clips, classes) of each task, as `PretextHeads` gives them.
        batch: labels and weights.

    Returns:
        For each task its cross-entropy under its name, and without gradient `<name>_accuracy` and
        `<name>_chance`; weighted means, scalars.
    """
    terms = {}
    for task, logits in pretext_logits.items():
        labels, weights = pretext_targets(task, batch)
        losses = cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="none")
        hits = (logits.detach().argmax(dim=2) == labels).float()
        terms[task] = weighted_mean(losses, weights.flatten())
        terms[f"{task}_accuracy"] = weighted_mean(hits, weights)
        terms[f"{task}_chance"] = losses.new_tensor(1 / logits.shape[2])
    return terms


def pretext_targets(task: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The target classes (B, 2 or 1) of `PretextHeads`, and the weight of each."""
    labels, weights = batch[task], batch[f"{task}_weight"]
    first, *second = modalities_of(task)
    if not second:
        return labels, weights
    if first not in second:
        return labels[:, None], weights[:, None]
    return torch.stack([labels, mirrored(labels)], dim=1), torch.stack([weights, weights], dim=1)


def mirrored(order: Tensor) -> Tensor:
    """The classes (B,) of order of pairs whose clips are exchanged: before is after, overlapping stays."""
    return (3 - order) % 3
