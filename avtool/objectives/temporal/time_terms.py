"""The questions about time: how fast, in which direction, in which order."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from avtool.models.temporal.heads import modalities_of
from avtool.objectives.across_processes import weighted_mean


def time_terms(answers: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The loss of each question, its accuracy, and the accuracy of guessing.

    Args:
        answers: logits of each question, as `TimeHeads` gives them.
        batch: labels and weights.

    Returns:
        For each question its cross-entropy under its name, and without gradient `<name>_accuracy` and
        `<name>_chance`; means over what has weight.
    """
    terms = {}
    for question, logits in answers.items():
        labels, weights = expected_answers(question, batch)
        losses = cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="none")
        hits = (logits.detach().argmax(dim=2) == labels).float()
        terms[question] = weighted_mean(losses, weights.flatten())
        terms[f"{question}_accuracy"] = weighted_mean(hits, weights)
        terms[f"{question}_chance"] = losses.new_tensor(1 / logits.shape[2])
    return terms


def expected_answers(question: str, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The classes (B, 2 or 1) that `TimeHeads` should name, and the weight of each."""
    labels, weights = batch[question], batch[f"{question}_weight"]
    first, *second = modalities_of(question)
    if not second:
        return labels, weights
    if first not in second:
        return labels[:, None], weights[:, None]
    return torch.stack([labels, mirrored(labels)], dim=1), torch.stack([weights, weights], dim=1)


def mirrored(order: Tensor) -> Tensor:
    """The order of a pair whose clips are exchanged: before becomes after, overlapping stays."""
    return (3 - order) % 3
