"""The learning rate of every optimiser and parameter group in each step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from avtool.core.errors import BadInputError
from avtool.training.optimizers import MAIN, Optimizers
from avtool.training.parameter_groups import ParameterGroup
from avtool.training.plan import Plan
from avtool.training.recipe import GroupRecipe, OptimizationRecipe, ScheduleRecipe
from avtool.training.schedules import Plateau, make_schedule, warmup_length


@dataclass(frozen=True)
class _Rate:
    """A peak, and the factor on it in each step."""

    peak: float
    schedule: ScheduleRecipe
    factor: Callable[[int], float]
    plateau: Plateau | None

    def at(self, step: int) -> float:
        rate = self.peak * self.factor(step)
        return rate * self.plateau.factor if self.plateau else rate


class LearningRates:
    """Sets the rates of optimisers; all but those of `plateau` schedules are closed forms of the step.

    Args:
        optimizers: whose groups get their rates.
        groups: parameter groups of the task.
        plan: the run in numbers.
        validates: whether the task can validate.

    Raises:
        BadInputError: a rate is too large for Adam, or a schedule waits for validations that never come.
    """

    def __init__(
        self, optimizers: Optimizers, groups: Sequence[ParameterGroup], plan: Plan, *, validates: bool
    ) -> None:
        self._optimizers = optimizers
        self._validates = validates
        self._plan = plan
        own = {group.name: group.recipe for group in groups}
        self._rates: dict[str, _Rate] = {}
        for name, recipe in optimizers.recipes.items():
            for group in dict.fromkeys(group["group"] for group in optimizers[name].param_groups):
                label = _label(name, group)
                assert label not in self._rates, f"the group {group} spreads over two optimisers"
                self._rates[label] = self._rate(recipe, own.get(group, GroupRecipe()))

    def _rate(self, recipe: OptimizationRecipe, group: GroupRecipe) -> _Rate:
        plan, schedule = self._plan, group.schedule or recipe.schedule
        peak = recipe.optimizer.peak_rate(plan.samples_per_step)
        if recipe.optimizer.name in {"adam", "adamw"} and peak > 1:
            raise BadInputError(
                f"optimizer.base_lr gives a rate of {peak:g} for steps of {plan.samples_per_step} samples",
                "lower optimizer.base_lr: above 1, Adam moves every weight by more than itself",
            )
        if schedule.name == "plateau" and not (self._validates and plan.validate_every):
            message = "the plateau schedule needs validations, and this training has none on its way"
            raise BadInputError(message, "give validation data and loop.validate_every, or another schedule")
        peak *= group.rate
        factor = make_schedule(schedule, plan.total, plan.steps_per_epoch, peak)
        return _Rate(peak, schedule, factor, Plateau.of(schedule))

    def at(self, step: int) -> dict[str, float]:
        """The rates of a step by their names in the log: `lr`, and `lr/NAME` of what has its own."""
        return {label: rate.at(step) for label, rate in self._rates.items()}

    def apply(self, step: int) -> None:
        """Sets the rates of a step; a layer's is its share by depth."""
        rates = self.at(step)
        for name, optimizer in self._optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rates[_label(name, group["group"])] * group["scale"]

    @property
    def longest_warmup(self) -> float:
        """Steps until every rate has reached its peak."""
        return max(warmup_length(rate.schedule, self._plan.steps_per_epoch) for rate in self._rates.values())

    def observe(self, value: float, *, maximise: bool) -> None:
        """Lets `plateau` schedules see a validation."""
        for rate in self._rates.values():
            if rate.plateau:
                rate.plateau.observe(value, maximise=maximise)

    def state(self) -> dict[str, dict[str, float]]:
        """What is no function of the step: the state of `plateau` schedules by name."""
        return {label: rate.plateau.state() for label, rate in self._rates.items() if rate.plateau}

    def restore(self, state: Mapping[str, Mapping[str, float]]) -> None:
        """Takes up a state."""
        for label, values in state.items():
            if (rate := self._rates.get(label)) and rate.plateau:
                rate.plateau.restore(values)


def _label(optimizer: str, group: str) -> str:
    """The name of a rate in the log."""
    own = group or (optimizer if optimizer != MAIN else "")
    return f"lr/{own}" if own else "lr"
