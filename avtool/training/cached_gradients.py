"""Cached gradients: a contrast over the clips of several batches (GradCache: Gao et al., RepL4NLP 2021).

A first pass, without gradients, gives the features of each batch; the contrast of all of them gives their
gradients; a second pass takes each batch through the network again, from the same random state, and pulls its
features along these. Memory is that of one batch, and the gradient that of all clips in one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError

Views = Mapping[str, Tensor]
"""Features (B, D) of the clips of a batch, by name."""


@runtime_checkable
class SplitObjective(Protocol):
    """An objective whose contrast is apart from its losses of single clips: their sum is its loss.

    `rest` draws its random numbers (dropout) in the order of `views`, and any further ones after these.
    """

    def views(self, model: nn.Module, batch: Mapping[str, Any]) -> Views:
        """The features that are contrasted."""
        ...

    def contrast(self, views: Views) -> Mapping[str, Tensor]:
        """`loss` of the contrast, the mean over clips, and other scalars to log."""
        ...

    def rest(self, model: nn.Module, batch: Mapping[str, Any]) -> tuple[Mapping[str, Tensor], Views]:
        """`loss` and other scalars without the contrast, means over clips; and the features once more."""
        ...


def need_split(objective: object, name: str = "loop.cached_gradients") -> SplitObjective:
    """The objective as one whose contrast is apart.

    Raises:
        BadInputError: it contrasts nothing, or not so.
    """
    if isinstance(objective, SplitObjective):
        return objective
    if getattr(objective, "contrasts_clips", False):
        message = f"{name} is for contrasts of features alone (MAViL), and this one keeps more than features"
        raise BadInputError(message, "raise --batch-size, or launch more processes")
    raise BadInputError(f"{name} has no effect: the objective contrasts no clips", "leave it out")


def contrast_of(
    objective: SplitObjective, views: Sequence[Views]
) -> tuple[dict[str, Tensor], list[dict[str, Tensor]]]:
    """The contrast of the clips of all batches.

    Args:
        objective: scores the features.
        views: of each batch, without gradients.

    Returns:
        Its scalars, and the gradient of its loss for the features of each batch.
    """
    leaves = {
        name: torch.cat([one[name] for one in views]).detach().float().requires_grad_() for name in views[0]
    }
    with torch.enable_grad():
        scalars = objective.contrast(leaves)
    gradients = torch.autograd.grad(scalars["loss"], list(leaves.values()))
    sizes = [len(next(iter(one.values()))) for one in views]
    parts = [torch.split(gradient, sizes) for gradient in gradients]
    found = [dict(zip(leaves, part, strict=True)) for part in zip(*parts, strict=True)]
    return {name: value.detach() for name, value in scalars.items()}, found


def pull(views: Views, gradients: Views) -> Tensor:
    """A number whose gradient for the features is the given one."""
    return torch.stack([(value.float() * gradients[name]).sum() for name, value in views.items()]).sum()
