"""Training of any task: a run that can be killed and resumed, or the plan of one."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avtool.core.reporter import Reporter
from avtool.tasks import TASKS
from avtool.training.recipe import TrainRecipe
from avtool.training.run import default_out, train_task
from avtool.training.task import Task

_BYTES_A_PARAMETER = 16
"""In a checkpoint: the weights twice, as they are trained and as one would use them, and two moments."""


@dataclass(frozen=True)
class TrainResult:
    """What a training came to.

    Attributes:
        out: the run.
        model: its model.
        task: the name of the task.
        metrics: of the saved model on the validation samples; empty without any.
        steps: done in all.
        resumed_from: the step at which the run's last call took over, 0 for one undisturbed run.
        seconds: wall time of that call's training.
        samples_per_second: its rate.
        validated_on: what the metrics are of.
    """

    out: Path
    model: Path
    task: str
    metrics: Mapping[str, float]
    steps: int
    resumed_from: int
    seconds: float
    samples_per_second: float
    validated_on: str


@dataclass(frozen=True)
class TrainPlan:
    """What a training would be.

    Attributes:
        out: the run it would write.
        facts: of the task: its model, its clips.
        parameters: trained values.
        steps: in all.
        samples_per_step: of all processes of this one launch.
        batch_size: samples that a process takes at a time; a step adds up the gradients of several.
        learning_rate: at the schedule's peak.
        checkpoint_mib: disk that one checkpoint takes.
        state_mib: memory of a process for weights, gradients and moments, estimated.
        activations_mib: memory of a process for what the backward pass needs; None where unknown.
    """

    out: Path
    facts: Mapping[str, int | str]
    parameters: int
    steps: int
    samples_per_step: int
    batch_size: int
    learning_rate: float
    checkpoint_mib: float
    state_mib: float
    activations_mib: float | None

    def values(self) -> dict[str, Any]:
        """All numbers by name, the task's own facts among them."""
        values = asdict(self)
        return {"out": values.pop("out"), **values.pop("facts"), **values}

    def rows(self) -> Iterator[tuple[str, str]]:
        """The same for people."""
        yield "run", str(self.out)
        for name, value in self.facts.items():
            yield name.replace("_", " "), str(value)
        yield "parameters", f"{self.parameters / 1e6:.2f} M"
        batches = self.samples_per_step // self.batch_size
        parts = f" ({batches} x {self.batch_size})" if batches > 1 else ""
        yield "steps", f"{self.steps} of {self.samples_per_step} samples{parts}"
        yield "learning rate", f"{self.learning_rate:.4g} at its peak"
        more = f" and {size(self.activations_mib)} of activations" if self.activations_mib else ""
        yield "memory", f"about {size(self.state_mib)} of weights, gradients and moments{more}, a process"
        yield "disk", f"{self.checkpoint_mib:.1f} MiB a checkpoint"


def make_task(
    name: str, source: Path, recipe: TrainRecipe, reporter: Reporter, *, jobs: int = 1, command: str = ""
) -> Task[Any]:
    """A registered task with its data and settings.

    Raises:
        BadInputError: no task has this name.
    """
    task = TASKS.find(name)
    assert isinstance(recipe, task.recipe_type), f"{name} takes a {task.recipe_type.__name__}"
    settled = task.settle(recipe, reporter)
    return task(source, settled, reporter, jobs, command or task.subcommand())


def train(
    name: str,
    source: Path,
    recipe: TrainRecipe,
    reporter: Reporter,
    *,
    out: Path | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    command: str = "",
) -> TrainResult:
    """Trains a task, or resumes where an interrupted call with the same arguments stopped.

    Args:
        name: of a registered task.
        source: what it learns from: a dataset.
        recipe: the settings, of the task's recipe type.
        reporter: receives decisions and progress.
        out: the run's folder; by default in `runs/`, named by task and settings.
        jobs: processes that compute features; -1 for one a processor.
        overwrite: replace a run that is there.
        command: the command line, for the cards.

    Raises:
        AvtoolError: data, model and settings do not fit together, or the training failed.
    """
    task = make_task(name, source, recipe, reporter, jobs=jobs, command=command)
    out = out or default_out(task)
    outcome = train_task(task, out, overwrite=overwrite)
    return TrainResult(
        out,
        outcome.model,
        name,
        outcome.metrics,
        outcome.steps,
        outcome.resumed_from,
        round(outcome.seconds, 3),
        round(outcome.samples_per_second, 2),
        task.validated_on,
    )


def plan_training(
    name: str, source: Path, recipe: TrainRecipe, reporter: Reporter, *, out: Path | None = None
) -> TrainPlan:
    """What `train` would do with the same arguments; nothing is computed or written.

    Raises:
        AvtoolError: data, model and settings do not fit together.
    """
    task = make_task(name, source, recipe, reporter)
    return plan_task(task, out or default_out(task))


def plan_task(task: Task[Any], out: Path) -> TrainPlan:
    """What a training of `task` into `out` would be; nothing is computed or written.

    Raises:
        AvtoolError: data, model and settings do not fit together.
    """
    import torch

    from avtool.models.runtime import launched_processes
    from avtool.training.memory_guard import plan_memory
    from avtool.training.plan import Plan, check_plan

    recipe, facts = task.recipe, task.describe()
    with torch.device("meta"):
        model, _ = task.build()
    plan = Plan.of(recipe.loop, task.num_samples(), launched_processes())
    check_plan(plan, recipe, task.num_samples(), validates=task.validates)
    memory = plan_memory(task, model, task.reporter)
    parameters = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return TrainPlan(
        out,
        facts,
        parameters,
        plan.total,
        plan.samples_per_step,
        recipe.loop.batch_size,
        recipe.optimizer.peak_rate(plan.samples_per_step),
        round(parameters * _BYTES_A_PARAMETER / 2**20, 1),
        memory.state,
        memory.activations,
    )


def size(mib: float) -> str:
    """Mebibytes for people."""
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.1f} MiB"
