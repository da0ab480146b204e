"""A pretraining in its run folder: begun, gone on with, or found finished; then its report and its card."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.errors import AvtoolError
from avtool.core.processes import is_first_process
from avtool.core.reporter import Reporter
from avtool.jobs.pretraining.usable import Skipped, write_skipped

if TYPE_CHECKING:
    from avtool.training.recipe import TrainRecipe
    from avtool.training.task import TrainOutcome, TrainTask


@dataclass(frozen=True)
class Pretraining:
    """What is trained, put together.

    Attributes:
        task: what the training loop takes.
        skipped: the clips that are left out.
        report: writes `report.html` into the run, once its model is there.
    """

    task: "TrainTask"
    skipped: Sequence[Skipped]
    report: Callable[[Path], None]


def train(
    compose: Callable[[], Pretraining],
    recipe: "TrainRecipe",
    settings: Mapping[str, Any],
    out: Path,
    reporter: Reporter,
    *,
    command: str,
    inputs: Sequence[Input],
    overwrite: bool,
) -> "TrainOutcome":
    """Trains in the folder `out`, or reads the outcome of a run that is finished.

    Args:
        compose: puts the training together; not called for a finished run.
        recipe: how to train.
        settings: what must be equal for a run to go on.
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
        pretraining = compose()
        if first and pretraining.skipped:
            write_skipped(run.folder, pretraining.skipped)
        outcome = fit(pretraining.task, recipe, run.folder, reporter)
    except AvtoolError:
        if not any((run.folder / name).exists() for name in ("checkpoints", CRASH)):
            shutil.rmtree(run.folder, ignore_errors=True)  # nothing to resume from, nothing to look at
        raise
    if first:
        pretraining.report(run.folder)
        outcome = publish_run(run, outcome, recipe, command=command, seed=recipe.seed, inputs=inputs)
    return outcome
