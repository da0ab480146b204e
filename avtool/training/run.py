"""A training in its run folder: begun, gone on with, or found finished; then its report and its card."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.errors import AvtoolError
from avtool.core.files import sha256_of
from avtool.core.processes import is_first_process
from avtool.core.reporter import Reporter
from avtool.models.start import weights_file

if TYPE_CHECKING:
    from avtool.training.recipe import TrainRecipe
    from avtool.training.task import Training, TrainOutcome


def _nothing(folder: Path) -> None:
    """Adds nothing to a run."""


@dataclass(frozen=True)
class Preparation:
    """What is trained, put together.

    Attributes:
        task: what the training loop takes.
        begin: writes into the run what is known before the first step.
        report: writes into the run what is to be said of its model, once that is there.
    """

    task: "Training"
    begin: Callable[[Path], None] = _nothing
    report: Callable[[Path], None] = _nothing


def train_run(
    compose: Callable[[], Preparation],
    recipe: "TrainRecipe",
    settings: Mapping[str, Any],
    out: Path,
    reporter: Reporter,
    *,
    command: str,
    inputs: Sequence[Input],
    overwrite: bool = False,
) -> "TrainOutcome":
    """Trains in the folder `out`, or reads the outcome of a run that is finished.

    Args:
        compose: puts the training together; not called for a finished run.
        recipe: how to train.
        settings: what must be equal for a run to go on: `run_settings`.
        out: the run.
        reporter: told about decisions and progress.
        command: the command line.
        inputs: the artifacts that it is made from.
        overwrite: begin anew.
    """
    from avtool.training.loop import CRASH, fit
    from avtool.training.run_folder import open_run, publish_run

    run = open_run(out, recipe, settings, command=command, overwrite=overwrite)
    if run.done:
        outcome = run.outcome()
        reporter.info(f"`{out}` is finished already: {outcome.steps} steps")
        return outcome
    first = is_first_process()
    try:
        training = compose()
        if first:
            training.begin(run.folder)
        outcome = fit(training.task, recipe, run.folder, reporter)
    except AvtoolError:
        if not any((run.folder / name).exists() for name in ("checkpoints", CRASH)):
            shutil.rmtree(run.folder, ignore_errors=True)  # nothing to resume from, nothing to look at
        raise
    if first:
        training.report(run.folder)
        outcome = publish_run(run, outcome, recipe, command=command, seed=recipe.seed, inputs=inputs)
    return outcome


def run_settings(recipe: "TrainRecipe", others: Mapping[str, Any]) -> dict[str, Any]:
    """What must be equal for a run to go on: the recipe, and what else decides the result."""
    from avtool.training.run_folder import identity

    return {**others, "recipe": identity(recipe)}


def input_hashes(inputs: Sequence[Input]) -> list[str]:
    """What the settings of a run say of its inputs: their content, wherever they lie."""
    return sorted(item.sha256 for item in inputs)


def default_run(name: str, settings: Mapping[str, Any]) -> Path:
    """The run's folder where none is given: in `runs/`, named by all settings."""
    from avtool.training.run_folder import run_name

    return Path("runs") / run_name(name, settings)


def weights_input(start: Path) -> Input:
    """Weights that a training starts or learns from.

    Raises:
        BadInputError: there are none.
    """
    weights = weights_file(start)
    return Input(str(weights), "weights", sha256_of(weights))
