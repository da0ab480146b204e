"""What every pretraining is made of."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.reporter import Reporter
from avtool.tasks.pretraining_clips import PretrainClips
from avtool.training.recipe import TrainRecipe
from avtool.training.run import Preparation

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Method:
    """A way to learn without labels.

    Attributes:
        name: on the command line.
        schema: its settings.
        inputs: what is taken of clips.
        builder: what its models are called, but for their size.
        summary: a sentence for the help page.
    """

    name: str
    schema: type[TrainRecipe]
    inputs: tuple[str, ...]
    builder: str
    summary: str

    def model(self, preset: str) -> str:
        """The registered name of the model that is pretrained."""
        return self.builder.format(preset)


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
    recipe: Any
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
    def compose(self) -> Preparation:
        """What the training loop takes, and what follows it.

        Raises:
            BadInputError: data, model and settings do not fit together; one line says which.
        """
