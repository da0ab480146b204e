"""The experiment of a method."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from avtool.core.artifact import Input
from avtool.core.reporter import Reporter
from avtool.jobs.pretraining.clips import PretrainClips
from avtool.jobs.pretraining.masked import MaskedExperiment
from avtool.jobs.pretraining.methods import Method
from avtool.jobs.pretraining.recipe import AvtRecipe, PretrainRecipe
from avtool.jobs.pretraining.run import Pretraining
from avtool.jobs.pretraining.temporal import TemporalExperiment

if TYPE_CHECKING:
    from torch import nn


class Experiment(Protocol):
    """A pretraining before it is put together."""

    @property
    def name(self) -> str:
        """The model's registered name."""

    @property
    def clips(self) -> PretrainClips:
        """What is learned from."""

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network, and the arguments that build it again."""

    def samples_an_epoch(self) -> int:
        """Stretches that are learned from in an epoch."""

    def compose(self) -> Pretraining:
        """What the training loop takes, and what follows it."""


def make_experiment(
    method: Method,
    dataset: Path,
    recipe: PretrainRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    command: str = "pretrain",
    inputs: Sequence[Input] = (),
) -> Experiment:
    """The experiment of a method with the settings of a recipe."""
    assert isinstance(recipe, method.schema), f"{method.name} is told by a {method.schema.__name__}"
    if isinstance(recipe, AvtRecipe):
        return TemporalExperiment(method, dataset, recipe, reporter, jobs, command, inputs)
    return MaskedExperiment(method, dataset, recipe, reporter, jobs, command, inputs)
