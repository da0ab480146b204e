"""Trainings of benchmarks: kept, so that an interrupted benchmark goes on, and a repeated one only scores."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avtool.core.artifact import settings_hash
from avtool.core.files import sha256_of
from avtool.core.paths import cache_folder
from avtool.jobs.finetune import train
from avtool.jobs.finetuning.experiment import Experiment
from avtool.jobs.finetuning.network import weights_file


def train_once(experiment: Experiment, identity: Mapping[str, Any], folder: Path | None, name: str) -> Path:
    """Trains, or finds the run of the same training.

    Args:
        experiment: the training.
        identity: what it learns from.
        folder: of the benchmark's runs; None for the cache.
        name: what the run's name begins with; a hash of everything that decides the result follows.

    Returns:
        The finished run.
    """
    recipe = experiment.recipe
    identity = dict(identity)
    if recipe.model.init is not None:
        identity["weights"] = sha256_of(weights_file(recipe.model.init))
    everything = {**identity, "recipe": recipe.model_dump(mode="json", exclude={"runtime"})}
    out = (folder or cache_folder() / "benchmarks") / f"{name}-{settings_hash(everything)[:8]}"
    out.parent.mkdir(parents=True, exist_ok=True)
    finished, _ = train(experiment, identity, out)
    return finished
