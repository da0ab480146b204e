"""The base of tasks that pretrain an encoder on clips without labels."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from avtool.core.artifact import Input
from avtool.core.learned_clips import Use
from avtool.data.clip_filter import Skipped
from avtool.data.manifest import Manifest
from avtool.models.build import build_network
from avtool.models.start import load_start
from avtool.tasks.clips import PretrainClips, dataset_input
from avtool.training.run import weights_input
from avtool.training.task import Task

if TYPE_CHECKING:
    from torch import nn

PretrainRecipe = TypeVar("PretrainRecipe", bound=Any)
"""A training recipe whose `model` is an `EncoderRecipe`."""


@dataclass(frozen=True)
class PretrainTask(Task[PretrainRecipe]):
    """Pretraining of an encoder.

    Class attributes:
        modalities: what is taken of clips.
        builder: the registered name of its models, with `{}` for their size.
    """

    verb = "pretrain"
    modalities: ClassVar[tuple[str, ...]]
    builder: ClassVar[str]

    @property
    def model_name(self) -> str:
        """The model's registered name."""
        return self.builder.format(self.recipe.model.preset)

    @property
    def run_name(self) -> str:
        """Task and size."""
        return f"{super().run_name}-{self.recipe.model.preset}"

    @property
    def starts(self) -> list[Path]:
        """The weights that the model starts or learns from."""
        return [start for start in [self.recipe.model.init] if start is not None]

    @cached_property
    def inputs(self) -> Sequence[Input]:
        """The dataset, and the weights that the model starts or learns from."""
        return [dataset_input(self.source), *map(weights_input, self.starts)]

    @property
    @abstractmethod
    def clips(self) -> PretrainClips:
        """The clips that can be used."""

    @property
    def learned_from(self) -> Sequence[tuple[Manifest, Use]]:
        """The clips, without their labels; those of validation where they decide anything."""
        parts = (self.clips.train, self.clips.val if self.recipe.selects else None)
        return [(clips, "no labels") for clips in parts if clips is not None]

    @property
    def held_out(self) -> Manifest:
        """The validation clips, or without any the training clips."""
        return self.clips.val if self.clips.val is not None else self.clips.train

    @property
    def validates(self) -> bool:
        """Whether there are clips that are not learned from."""
        return self.clips.val is not None

    @property
    def skipped(self) -> Sequence[Skipped]:
        """The clips without what the task takes."""
        return self.clips.skipped

    def describe(self) -> Mapping[str, int | str]:
        """The model, and how many clips there are."""
        return {"model": self.model_name, **self.clips.counts}

    def build_with(self, chosen: Mapping[str, Any]) -> "tuple[nn.Module, dict[str, Any]]":
        """The network with settings that follow from the data, and the arguments that build it again.

        Raises:
            BadInputError: a setting is given twice, or does not fit.
        """
        return build_network(self.model_name, self.recipe.model.arguments, chosen, self.recipe.seed)

    def load_start(self, model: "nn.Module") -> None:
        """Starts the model from `model.init`, and reports what was adapted.

        Raises:
            BadInputError: the file is none, or does not fit the network.
        """
        start = self.recipe.model
        load_start(model, self.model_name, start.init, self.reporter, interpolate=start.interpolate_positions)
