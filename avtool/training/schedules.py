"""Learning-rate schedules: the factor on the peak rate at any step.

All but `plateau` are closed forms, with no state to restore, where torch's schedulers count their calls.
Steps count from 0; `total` is the run's length.
"""

import math
from collections.abc import Callable, Mapping

from avtool.training.recipe import ScheduleRecipe

_START_DIVISOR = 25.0
_END_DIVISOR = 1e4
"""One-cycle (Smith and Topin, 2019) begins at 1/25 of the peak, and ends at 1/10000 of that."""


def warmup(step: int, length: float) -> float:
    """A linear rise that is complete after `length` steps; no step is lost to a rate of 0."""
    return min(1.0, (step + 1) / length) if length > 0 else 1.0


def warmup_length(recipe: ScheduleRecipe, steps_per_epoch: int) -> float:
    """The steps of the warm-up, however it is given."""
    return recipe.warmup_steps or recipe.warmup_epochs * steps_per_epoch


def cosine(progress: float, floor: float = 0.0) -> float:
    """Half a cosine from 1 to `floor` (Loshchilov and Hutter, 2017); progress in [0, 1]."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def linear(progress: float, floor: float = 0.0) -> float:
    """A straight line from 1 to `floor`."""
    return 1 - (1 - floor) * progress


def stairs(epoch: int, gamma: float, begin: int, every: int) -> float:
    """`gamma` at epoch `begin` (from 0) and once more after each `every` epochs."""
    return gamma ** (1 + (epoch - begin) // every) if epoch >= begin else 1.0


def one_cycle(step: int, total: int, rise: float) -> float:
    """Half a cosine up, then half a cosine down to nearly nothing."""
    peak = max(0.0, rise * total - 1)
    if step < peak:
        return _between(1 / _START_DIVISOR, 1.0, step / peak)
    return _between(1.0, 1 / (_START_DIVISOR * _END_DIVISOR), (step - peak) / max(1.0, total - 1 - peak))


def _between(begin: float, end: float, progress: float) -> float:
    return end + (begin - end) * cosine(progress)


def make_schedule(
    recipe: ScheduleRecipe, total: int, steps_per_epoch: int, peak: float = 1.0
) -> Callable[[int], float]:
    """The factor on the learning rate as a function of the step.

    Args:
        recipe: the shape.
        total: steps of the run.
        steps_per_epoch: optimiser steps in an epoch.
        peak: the learning rate that the factor is on.
    """
    rise = warmup_length(recipe, steps_per_epoch)
    start = rise if recipe.decay_from == "warmup" else 0.0
    length = max(1.0, total - (0.0 if recipe.warmup_rate else start))

    def fall(step: int) -> float:
        if recipe.by_epoch:
            step -= step % steps_per_epoch
        progress = min(1.0, max(0.0, (step - start) / length))
        if recipe.name == "cosine":
            return cosine(progress, recipe.floor)
        if recipe.name == "linear":
            return linear(progress, recipe.floor)
        if recipe.name == "step":
            return stairs(step // steps_per_epoch, recipe.gamma, recipe.step_from, recipe.step_every)
        return 1.0

    if recipe.name == "one-cycle":
        return lambda step: one_cycle(step, total, recipe.rise)
    if recipe.warmup_rate:
        return lambda step: recipe.warmup_rate / peak if step < rise else fall(step)
    return lambda step: warmup(step, rise) * fall(step)


class Plateau:
    """A factor that falls whenever validations stop improving, as torch's `ReduceLROnPlateau` lowers it.

    Args:
        gamma: factor at each reduction.
        patience: validations without improvement that are waited for.
        floor: smallest factor.

    Attributes:
        factor: on the learning rate now.
    """

    def __init__(self, gamma: float, patience: int, floor: float) -> None:
        self._gamma = gamma
        self._patience = patience
        self._floor = floor
        self._best: float | None = None
        self._waited = 0
        self.factor = 1.0

    @classmethod
    def of(cls, recipe: ScheduleRecipe) -> "Plateau | None":
        """The plateau of a recipe; None for closed forms."""
        return cls(recipe.gamma, recipe.patience, recipe.floor) if recipe.name == "plateau" else None

    def observe(self, value: float, *, maximise: bool) -> None:
        """Takes the next validation; one that is not a number is no improvement."""
        sign = 1 if maximise else -1
        if value == value and (self._best is None or sign * value > sign * self._best):
            self._best, self._waited = value, 0
            return
        self._waited += 1
        if self._waited > self._patience:
            self.factor, self._waited = max(self._floor, self.factor * self._gamma), 0

    def state(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        best = {} if self._best is None else {"best": self._best}
        return {"factor": self.factor, "waited": self._waited, **best}

    def restore(self, state: Mapping[str, float]) -> None:
        """Takes up a state."""
        self.factor, self._waited, self._best = state["factor"], int(state["waited"]), state.get("best")
