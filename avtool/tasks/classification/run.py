"""A classification run: begun, resumed, or found finished."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.tasks.classification.task import Experiment
from avtool.training.run import Preparation, default_run, run_settings, train_run

if TYPE_CHECKING:
    from avtool.training.task import TrainOutcome


def train(
    experiment: Experiment, settings: Mapping[str, Any], out: Path | None, *, overwrite: bool = False
) -> "tuple[Path, TrainOutcome]":
    """Trains in a run folder, or reads the outcome of a run that is finished.

    Args:
        experiment: what to train.
        settings: what else than the recipe must be equal for a run to go on.
        out: the run's folder; None for one in `runs/` that is named by all settings.
        overwrite: begin anew.

    Returns:
        The run's folder, and what came of it.
    """
    recipe, command, inputs = experiment.recipe, experiment.command, experiment.inputs
    settings = run_settings(recipe, settings)
    out = out or default_run(f"finetune-{recipe.model.name}", settings)
    outcome = train_run(
        lambda: Preparation(experiment.compose()),
        recipe,
        settings,
        out,
        experiment.reporter,
        command=command,
        inputs=inputs,
        overwrite=overwrite,
    )
    return out, outcome
