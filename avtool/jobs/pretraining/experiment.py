"""What every pretraining is made of."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.reporter import Reporter
from avtool.jobs.pretraining.clips import PretrainClips
from avtool.jobs.pretraining.methods import Method
from avtool.jobs.pretraining.recipe import PretrainRecipe
from avtool.jobs.training_run import Training

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Experiment(ABC):
    """A pretraining before it is put together.

    Attributes:
        method: which one.
        dataset: a `dataset` artifact.
        recipe: the settings.
        reporter: told about decisions and progress.
        jobs: processes that compute spectrograms.
        command: the command line.
        inputs: the artifacts that it is made from.
    """

    method: Method
    dataset: Path
    recipe: PretrainRecipe
    reporter: Reporter
    jobs: int = 1
    command: str = "pretrain"
    inputs: Sequence[Input] = ()

    @property
    def name(self) -> str:
        """The model's registered name."""
        return self.method.model(self.recipe.model.preset)

    @property
    @abstractmethod
    def clips(self) -> PretrainClips:
        """What is learned from."""

    @abstractmethod
    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network, and the arguments that build it again."""

    @abstractmethod
    def samples_an_epoch(self) -> int:
        """Stretches that are learned from in an epoch."""

    @abstractmethod
    def compose(self) -> Training:
        """What the training loop takes, and what follows it.

        Raises:
            BadInputError: data, model and settings do not fit together; one line says which.
        """
