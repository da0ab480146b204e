"""A run in numbers: how many steps, and what is due after each."""

from dataclasses import dataclass

from avtool.training.interval import in_steps
from avtool.training.recipe import LoopRecipe


@dataclass(frozen=True)
class Plan:
    """The arithmetic of a run. Steps are optimiser steps; a step takes `accumulate` batches in each process.

    All steps weigh the same: an epoch has as many whole steps as its clips fill (at least one, for which
    clips are taken again), and the few clips left over wait for another epoch's order.

    Attributes:
        batch_size: clips of a batch in one process.
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
    def of(cls, recipe: LoopRecipe, num_clips: int, processes: int) -> "Plan":
        """The plan of a recipe for so many clips."""
        per_step = recipe.batch_size * recipe.accumulate * processes
        steps_per_epoch = max(1, num_clips // per_step)
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
    def clips_per_step(self) -> int:
        """Clips that all processes together take for a step."""
        return self.batch_size * self.accumulate * self.processes

    @property
    def clips_per_epoch(self) -> int:
        """Clips drawn in an epoch."""
        return self.clips_per_step * self.steps_per_epoch

    def epochs_at(self, step: int) -> float:
        """Epochs that are done after `step` steps."""
        return round(step / self.steps_per_epoch, 4)

    def due(self, step: int, every: int) -> bool:
        """Whether something that happens every so many steps happens after `step` steps."""
        return step == self.total or (every > 0 and step % every == 0)
