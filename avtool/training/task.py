"""The Task interface: a way of learning, from its recipe and data to a trained model and its report."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

from avtool.core.artifact import Input
from avtool.core.learned_clips import Use
from avtool.core.registry import Registry
from avtool.core.reporter import Reporter
from avtool.training.recipe import TrainRecipe
from avtool.training.report import Section

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from avtool.data.clip_filter import Skipped
    from avtool.data.manifest import Manifest
    from avtool.models.model_folder import ModelDescription
    from avtool.training.optimizers import NamedOptimizer
    from avtool.training.parameter_groups import ParameterGroup
    from avtool.training.step_rule import Phase

Batch = dict[str, Any]
Objective: TypeAlias = "Callable[..., Mapping[str, Tensor]]"
"""(model, batch) → `loss`, a scalar to minimise, and other scalars to log, of the same names in every step.
An `nn.Module` may have parameters of its own (a temperature): they are trained and checkpointed too, but are
no part of the saved model. Where a training has phases, it gets the name of the current one as `phase`."""

RecipeType = TypeVar("RecipeType", bound=TrainRecipe)


class Samples(Protocol):
    """Samples by index: a `Dataset` of `torch.utils.data`, or any object with these two methods."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


@dataclass(frozen=True)
class Training:
    """A model, its objective and its samples: all that the loop needs.

    Attributes:
        model: the network to train and to save; trained in place.
        objective: scores a batch.
        samples: what is learned from, by index. Its method `set_epoch`, where it has one, gets the epoch
            before each sample, in the process that loads it, for other augmentations in each.
        collate: makes a batch, a dictionary, of a list of samples.
        description: how the saved model is built and fed.
        transform: changes a batch on its device (mixup, masks); its generator, and torch's global one, are
            seeded for each batch.
        validate: scores the model in evaluation mode, as a dictionary of metrics; every process calls it. It
            raises FloatingPointError where the model's outputs are not finite.
        metric: which of these metrics selects the best checkpoint.
        maximise: whether more of it is better.
        labels: the labels of each sample, for the class-balanced sampler.
        groups: the film or recording of each sample, for the grouped sampler.
        sample_ids: the samples' names, for messages.
        parameter_groups: parameters with a rate, weight decay or schedule of their own.
        optimizers: optimisers beside the main one, which has all parameters that these leave.
        phases: which of them move in which part of a step; by default all move together.
        untrained: whether the model is scored and saved as it is, without a step: a zero-shot classifier.
        self_contained: whether the run's model holds frozen weights too that its description names.
        validated_on: what `validate` scores, for people.
        shared_graph: of several batches in one step (`loop.accumulate`): inside, what does not depend on the
            batch is computed once, and at its end gradients flow through it once.
    """

    model: "nn.Module"
    objective: Objective
    samples: Samples
    collate: Callable[[list[Any]], Batch]
    description: "ModelDescription"
    transform: "Callable[[Batch, torch.Generator], Batch] | None" = None
    validate: "Callable[[nn.Module, torch.device], Mapping[str, float]] | None" = None
    metric: str = "loss"
    maximise: bool = False
    labels: Sequence[Sequence[Hashable]] | None = None
    groups: Sequence[Hashable] | None = None
    sample_ids: Sequence[str] | None = None
    parameter_groups: "Sequence[ParameterGroup]" = ()
    optimizers: "Sequence[NamedOptimizer]" = ()
    phases: "Sequence[Phase]" = ()
    untrained: bool = False
    self_contained: bool = False
    validated_on: str = "validation"
    shared_graph: "Callable[[], AbstractContextManager[None]]" = nullcontext


@dataclass(frozen=True)
class TrainOutcome:
    """What a run came to.

    Attributes:
        model: the saved model's folder.
        steps: optimiser steps done in all.
        resumed_from: the step at which this process took over, 0 at the run's begin.
        metrics: the validation of the saved model; empty without one.
        best_step: the checkpoint with the best metric, or None without validation.
        seconds: wall time of this process's share.
        samples_per_second: its rate, validation and checkpoints included; 0 when nothing was left to do.
    """

    model: Path
    steps: int
    resumed_from: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    best_step: int | None = None
    seconds: float = 0.0
    samples_per_second: float = 0.0


@dataclass(frozen=True)
class Task(ABC, Generic[RecipeType]):
    """A way of learning with its settings and its data, before anything is computed.

    A subclass states its name, verb, summary and recipe, and implements the abstract methods; `register`
    makes it a subcommand with flags, `--dry-run`, resume, model card and report. Its module must import
    without torch: methods import what they compute with.

    Class attributes:
        name: on the command line, such as `audio-mae`.
        verb: the subcommand that lists it: `pretrain`, or `train` where it has no verb of its own.
        summary: a sentence for the help page.
        takes: what its argument is, for the help page.
        recipe_type: the model of its settings.

    Attributes:
        source: what is learned from: a dataset, a folder, a file.
        recipe: the settings.
        reporter: receives decisions and progress.
        jobs: processes that compute features; -1 for one a processor.
        command: the command line, for the cards.
    """

    name: ClassVar[str]
    verb: ClassVar[str] = "train"
    summary: ClassVar[str]
    takes: ClassVar[str] = "The dataset, as `avtool prepare` or `mine-subtitles` makes it."
    recipe_type: ClassVar[type[TrainRecipe]]

    source: Path
    recipe: RecipeType
    reporter: Reporter
    jobs: int = 1
    command: str = ""

    @classmethod
    def subcommand(cls) -> str:
        """The words after `avtool` that run this task: `pretrain audio-mae`."""
        return f"{cls.verb} {cls.name}"

    @classmethod
    def settle(cls, recipe: RecipeType, reporter: Reporter) -> RecipeType:  # noqa: ARG003 - of those that do
        """The recipe with what follows from its other keys, such as from the weights that it starts from.

        Raises:
            BadInputError: a key names something that is not there.
        """
        return recipe

    @property
    def run_name(self) -> str:
        """What the names of its runs begin with."""
        return self.subcommand().replace(" ", "-")

    @property
    @abstractmethod
    def inputs(self) -> Sequence[Input]:
        """The artifacts and files that decide the result, by content.

        Raises:
            BadInputError: one is not there.
        """

    @property
    def learned_from(self) -> "Sequence[tuple[Manifest, Use]]":
        """The clips that it learns from and validates on, each with what they are used for.

        The model's record is made of them, so that no model is tested on what it has learned; a task without
        clips leaves it empty, and its models have no record.
        """
        return ()

    @property
    def starts(self) -> Sequence[Path]:
        """The weights that it starts or learns from: initial ones, teachers, encoders of its features."""
        return ()

    @abstractmethod
    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network with its initial weights, and the arguments that build it again.

        `--dry-run` calls it on torch's `meta` device: weights are read in `prepare`.
        """

    @abstractmethod
    def num_samples(self) -> int:
        """Samples that are learned from in an epoch."""

    @abstractmethod
    def prepare(self) -> Training:
        """The model, the objective and the samples, as the loop takes them.

        Raises:
            BadInputError: data, model and settings do not fit together.
        """

    def example(self) -> "Mapping[str, Tensor] | None":
        """A batch of the network's inputs, of any content, to estimate memory by; None where none is made."""
        return None

    def kept_bytes(self) -> int | None:
        """Bytes that a batch's forward pass keeps for the backward pass; None to count them by `example`.

        For networks that need values on their way, which tensors without content do not have.
        """
        return None

    @property
    def validates(self) -> bool:
        """Whether the training has something to validate on."""
        return False

    @property
    def validated_on(self) -> str:
        """What its validation scores, for people."""
        return "validation"

    @property
    def skipped(self) -> "Sequence[Skipped]":
        """Unusable samples, each with its reason; the run lists them."""
        return ()

    def describe(self) -> Mapping[str, int | str]:
        """Facts of this task for the plan, such as `model` and `train_clips`."""
        return {}

    def report(self, run: Path, training: Training) -> Sequence[Section]:  # noqa: ARG002
        """What the run's page shows beside the curves; `run / "model"` is there."""
        return ()


TASKS: Registry[type[Task[Any]]] = Registry(
    "task",
    "avtool pretrain --help",
    group="avtool.tasks",
    accepts=lambda entry: isinstance(entry, type) and issubclass(entry, Task),
)
"""The tasks of avtool and, by the entry-point group `avtool.tasks`, those of other packages."""

TaskType = TypeVar("TaskType", bound=type[Task[Any]])


def register(task: TaskType) -> TaskType:
    """Registers a task under its name, as a class decorator."""
    TASKS.add(task.name, task)
    return task
