"""A run in numbers: how many steps, and what is due after each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from avtool.core.errors import BadInputError
from avtool.training.recipe import LoopRecipe, TrainRecipe, in_steps

_MOST_EPOCH_LINES = 1000
_MOST_REPEATS = 100
_LARGE_STEP = 65_536  # samples; published steps are smaller (a linear probe of MAE takes 16 384)


@dataclass(frozen=True)
class Plan:
    """The arithmetic of a run. Steps are optimiser steps; a step takes `accumulate` batches in each process.

    All steps weigh the same: an epoch has as many whole steps as its samples fill (at least one, for
    which samples are taken again), and the few samples left over wait for another epoch's order.

    Attributes:
        batch_size: samples of a batch in one process.
        accumulate: batches of a step in one process.
        processes: processes that train together.
        steps_per_epoch: steps in an epoch.
        total: steps of the run.
        validate_every: steps between validations, 0 for only one at the end.
        checkpoint_every: steps between checkpoints, 0 for only one at the end.
        log_every: steps between lines of the log.
    """

    batch_size: int
    accumulate: int
    processes: int
    steps_per_epoch: int
    total: int
    validate_every: int
    checkpoint_every: int
    log_every: int

    @classmethod
    def of(cls, recipe: LoopRecipe, num_samples: int, processes: int) -> "Plan":
        """The plan of a recipe for so many samples; an epoch of the recipe's own length counts instead."""
        per_step = recipe.batch_size * recipe.accumulate * processes
        steps_per_epoch = max(1, (recipe.epoch_samples or num_samples) // per_step)
        return cls(
            batch_size=recipe.batch_size,
            accumulate=recipe.accumulate,
            processes=processes,
            steps_per_epoch=steps_per_epoch,
            total=recipe.max_steps or recipe.epochs * steps_per_epoch,
            validate_every=in_steps(recipe.validate_every, steps_per_epoch),
            checkpoint_every=in_steps(recipe.checkpoint_every, steps_per_epoch),
            log_every=recipe.log_every,
        )

    @property
    def samples_per_step(self) -> int:
        """Samples that all processes together take for a step."""
        return self.batch_size * self.accumulate * self.processes

    @property
    def samples_per_epoch(self) -> int:
        """Samples drawn in an epoch."""
        return self.samples_per_step * self.steps_per_epoch

    def epochs_at(self, step: int) -> float:
        """Epochs that are done after `step` steps."""
        return round(step / self.steps_per_epoch, 4)

    def ends_epoch(self, step: int) -> bool:
        """Whether a line is printed after `step` steps: at the end of an epoch, of at most 1000 of a run."""
        every = self.steps_per_epoch * max(1, -(-self.total // (_MOST_EPOCH_LINES * self.steps_per_epoch)))
        return self.due(step, every)

    def due(self, step: int, every: int) -> bool:
        """Whether something that happens every so many steps happens after `step` steps."""
        return step == self.total or (every > 0 and step % every == 0)

    def __str__(self) -> str:
        return (
            f"{self.total} steps of {self.samples_per_step} samples: "
            f"{self.epochs_at(self.total):g} epochs of {self.steps_per_epoch} steps"
        )


def check_plan(plan: Plan, recipe: TrainRecipe, num_samples: int, *, validates: bool) -> None:
    """Refuses settings that would silently do nothing in a run of this length, and absurd batches.

    Raises:
        BadInputError: there are some.
    """
    if num_samples and plan.samples_per_step > max(_MOST_REPEATS * num_samples, _LARGE_STEP):
        message = f"a step of {plan.samples_per_step} samples takes each of the {num_samples} many times"
        raise BadInputError(message, "lower --batch-size: more than all samples teach nothing more")
    first = recipe.average.first_epoch
    if first * plan.steps_per_epoch > plan.total:
        epochs = plan.epochs_at(plan.total)
        raise BadInputError(f"average.first_epoch = {first} lies behind the run's {epochs:g} epochs")
    if not validates and (recipe.loop.final == "best" or recipe.loop.patience):
        raise BadInputError(
            "loop.final = best and loop.patience need a validation, and this training has none",
            "give validation data, or leave these keys out",
        )
    if recipe.loop.patience and not plan.validate_every:
        raise BadInputError("loop.patience counts validations, and loop.validate_every is never")


@contextmanager
def refuse_lone_values() -> Iterator[None]:
    """Torch's word on a batch norm that would learn from a single value a channel, in the project's words.

    Raises:
        BadInputError: the network met one.
    """
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        message = "a batch norm of the network has one value a channel in a batch, and no variance"
        raise BadInputError(message, "raise --batch-size to 2 or more") from error
