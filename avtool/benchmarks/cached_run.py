"""Trainings of benchmarks: kept, so that an interrupted benchmark goes on, and a repeated one only scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from avtool.core.artifact import settings_hash
from avtool.core.files import sha256_of
from avtool.core.paths import cache_folder
from avtool.models.start import weights_file
from avtool.tasks.classification.run import train
from avtool.tasks.classification.task import Experiment


@dataclass(frozen=True)
class KeptTraining:
    """A training whose run is kept.

    Attributes:
        experiment: the training.
        identity: what it learns from.
        folder: of the benchmark's runs; None for the cache.
        name: what the run's name begins with; a hash of everything that decides the result follows.
    """

    experiment: Experiment
    identity: Mapping[str, Any]
    folder: Path | None
    name: str

    @cached_property
    def out(self) -> Path:
        """The run; it is there once it is finished."""
        of_the_machine: dict[str, Any] = {"runtime": True, "loop": {"workers"}}
        recipe = self.experiment.recipe.model_dump(mode="json", exclude=of_the_machine)
        everything = {**self._origin, "recipe": recipe}
        return (self.folder or cache_folder() / "benchmarks") / f"{self.name}-{settings_hash(everything)[:8]}"

    def run(self) -> Path:
        """Trains, or finds the run of the same training; gives the finished run."""
        self.out.parent.mkdir(parents=True, exist_ok=True)
        finished, _ = train(self.experiment, self._origin, self.out)
        return finished

    @cached_property
    def _origin(self) -> dict[str, Any]:
        """What the run learns from, the weights that it starts from among it."""
        init = self.experiment.recipe.model.init
        if init is None:
            return dict(self.identity)
        return {**self.identity, "weights": sha256_of(weights_file(init))}
