"""Phases: which optimisers move in which part of a step, for adversarial and other alternating training."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import lcm

from avtool.training.optimizers import MAIN


@dataclass(frozen=True)
class Phase:
    """A part of a step: the objective on the step's batches, and an update by some optimizers.

    Phases of a step follow one another on the same batches. Parameters of the other optimisers are frozen
    meanwhile. `every=2` with `first` 0 and 1 alternates from step to step; `first=10_000` joins later.

    Attributes:
        name: the objective's argument `phase`; its scalars are logged as `NAME/loss`.
        optimizers: those that move; the one of `[optimizer]` is called `main`.
        every: steps from one of its updates to the next.
        first: its first step, counted from 0.
    """

    name: str
    optimizers: Sequence[str] = (MAIN,)
    every: int = 1
    first: int = 0

    def due(self, step: int) -> bool:
        """Whether it is a part of a step, counted from 0."""
        return step >= self.first and (step - self.first) % self.every == 0

    def label(self, name: str) -> str:
        """How a scalar of its objective is called in the log."""
        return f"{self.name}/{name}" if self.name else name


class StepRule:
    """The phases of each step.

    Args:
        phases: in their order; without any, all optimisers move together and the objective gets no phase.
        optimizers: the names of all optimisers.
    """

    def __init__(self, phases: Sequence[Phase], optimizers: Collection[str]) -> None:
        self.phases = tuple(phases) or (Phase("", tuple(optimizers)),)
        moved = {name for phase in self.phases for name in phase.optimizers}
        assert moved == set(optimizers), f"phases move {sorted(moved)} of the optimisers {sorted(optimizers)}"
        span = max(phase.first for phase in self.phases) + lcm(*(phase.every for phase in self.phases))
        assert all(self.of(step) for step in range(span)), "a step without a phase"

    def of(self, step: int) -> list[Phase]:
        """The phases of a step, counted from 0."""
        return [phase for phase in self.phases if phase.due(step)]
