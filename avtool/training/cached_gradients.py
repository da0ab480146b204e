"""Cached gradients: a contrast over the clips of several batches (GradCache: Gao et al., RepL4NLP 2021).

A first pass, without gradients, gives the features of each batch; the contrast of all of them gives their
gradients; a second pass takes each batch through the network again, from the same random state, and pulls its
features along these. Memory is that of one batch, and the gradient that of all clips in one.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.training.task import Batch

Result = TypeVar("Result")

Views = Mapping[str, Tensor]
"""Features (B, D) of the clips of a batch, by name."""
_TWICE = "twice"


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


def need_split(objective: object) -> SplitObjective:
    """The objective as one whose contrast is apart.

    Raises:
        BadInputError: it contrasts nothing, or not so.
    """
    if isinstance(objective, SplitObjective):
        return objective
    name = "loop.cached_gradients"
    if getattr(objective, "contrasts_clips", False):
        message = f"{name} is for contrasts of features alone (MAViL), and this one keeps more than features"
        raise BadInputError(message, "raise --batch-size, or launch more processes")
    raise BadInputError(f"{name} has no effect: the objective contrasts no clips", "leave it out")


class CachedContrast:
    """The two passes of a step.

    Args:
        objective: what is minimised.
        net: the network as it is called: plain, or wrapped by DDP or FSDP.
        seed: sets the random state of a batch of the step, by its number and a word.
    """

    def __init__(self, objective: SplitObjective, net: nn.Module, seed: Callable[[int, str], object]) -> None:
        self._objective = objective
        self._net = net
        self._seed = seed
        self._gradients: list[dict[str, Tensor]] = []

    def contrast(self, batches: Sequence[Batch]) -> dict[str, Tensor]:
        """The first pass: the scalars of the contrast of all batches; keeps the gradients of the features."""
        views: list[Views] = []
        for number, batch in enumerate(batches):
            self._seed(number, _TWICE)
            with torch.no_grad():
                views.append(self._net(partial(_on_model, self._objective.views, batch)))
        leaves = {
            name: torch.cat([one[name] for one in views]).detach().float().requires_grad_()
            for name in views[0]
        }
        scalars = self._objective.contrast(leaves)
        gradients = torch.autograd.grad(scalars["loss"], list(leaves.values()))
        sizes = [len(next(iter(one.values()))) for one in views]
        parts = [torch.split(gradient, sizes) for gradient in gradients]
        self._gradients = [dict(zip(leaves, part, strict=True)) for part in zip(*parts, strict=True)]
        return {name: value.detach() for name, value in scalars.items()}

    def rest(self, number: int, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The second pass of a batch.

        Returns:
            The scalars without the contrast; and a number whose gradient for the features is the contrast's.
        """
        self._seed(number, _TWICE)
        scalars, views = self._net(partial(_on_model, self._objective.rest, batch))
        gradients = self._gradients[number]
        pulls = [(value.float() * gradients[name]).sum() for name, value in views.items()]
        return dict(scalars), torch.stack(pulls).sum()


def _on_model(work: Callable[[nn.Module, Batch], Result], batch: Batch, model: nn.Module) -> Result:
    return work(model, batch)
