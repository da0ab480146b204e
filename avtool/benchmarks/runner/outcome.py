"""The outcome of a model on the folds of a benchmark: predictions, probes and features."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from avtool.core.arrays import Floats
from avtool.evaluation.predictions import Predictions, join_predictions
from avtool.evaluation.probes.clip_probe import ProbeOutcome

RANDOM_INIT = "random init"
"""The name of the baseline: the same network, trained or probed from random weights."""


@dataclass
class ModelOutcome:
    """The predictions of a model.

    Attributes:
        runs: seed → predictions of each fold.
        probes: outcomes of its probes, one a fold and seed; empty for trainings.
        features: (N, D) of all clips, where they were computed.
    """

    runs: dict[int, list[Predictions]] = field(default_factory=dict)
    probes: list[ProbeOutcome] = field(default_factory=list)
    features: Floats | None = None

    def joined(self) -> dict[int, Predictions]:
        """Seed → the predictions of all folds together."""
        return {seed: join_predictions(parts) for seed, parts in self.runs.items()}

    def by_fold(self, names: Sequence[str]) -> dict[str, list[Predictions]]:
        """Name of the fold → its predictions, one a seed."""
        return {name: [parts[place] for parts in self.runs.values()] for place, name in enumerate(names)}
