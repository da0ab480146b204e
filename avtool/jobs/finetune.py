"""Trains a classifier on a data set: a run that can be killed and resumed, and its model."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.errors import AvtoolError
from avtool.core.files import sha256_of
from avtool.core.processes import is_first_process
from avtool.core.reporter import Reporter
from avtool.data.labels import CLASS_FILES, LABELS
from avtool.data.manifest import MANIFEST, read_manifest
from avtool.jobs.finetuning.clips import choose_clips, find_classes, find_task
from avtool.jobs.finetuning.experiment import Experiment
from avtool.jobs.finetuning.features import FeatureSource
from avtool.jobs.finetuning.metrics import METRIC
from avtool.jobs.finetuning.network import weights_file
from avtool.jobs.finetuning.recipe import FinetuneRecipe

if TYPE_CHECKING:
    from avtool.training.task import TrainOutcome


@dataclass(frozen=True)
class FinetuneResult:
    """What a training came to.

    Attributes:
        out: the run.
        model: its model.
        task: what the labels are.
        metric: the one that counts.
        metrics: of the saved model on the validation clips; empty without any.
        train_clips, val_clips: how many there were.
        steps: done in all.
        resumed_from: the step at which the run's last call took over, 0 for one undisturbed run.
        seconds: wall time of that call's training.
        clips_per_second: its rate.
    """

    out: Path
    model: Path
    task: str
    metric: str
    metrics: Mapping[str, float]
    train_clips: int
    val_clips: int
    steps: int
    resumed_from: int
    seconds: float
    clips_per_second: float


def finetune(
    dataset: Path,
    recipe: FinetuneRecipe,
    reporter: Reporter,
    *,
    out: Path | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    command: str = "finetune",
) -> FinetuneResult:
    """Trains on a data set, or goes on where an interrupted call with the same arguments stopped.

    Args:
        dataset: a `dataset` artifact.
        recipe: the settings.
        reporter: told about decisions and progress.
        out: the run's folder; by default `runs/`, and a name made of the model and the settings.
        jobs: processes that compute spectrograms; -1 for one a processor.
        overwrite: begin anew.
        command: the command line, for the cards.

    Raises:
        AvtoolError: data, model and settings do not fit together, or the training failed.
    """
    manifest = read_manifest(dataset)
    chosen = choose_clips(manifest, recipe.data, reporter)
    task = find_task(dataset, manifest, recipe.data.task, reporter)
    inputs = _inputs(dataset, recipe)
    whole = manifest if recipe.data.train_folds else None
    experiment = Experiment(
        chosen.train,
        chosen.val,
        task,
        find_classes(dataset, task),
        recipe,
        FeatureSource(recipe, reporter, jobs, whole),
        reporter,
        command,
        inputs,
    )
    settings = {"command": "finetune", "inputs": sorted(item.sha256 for item in inputs)}
    folder, outcome = train(experiment, settings, out, overwrite=overwrite)
    return FinetuneResult(
        folder,
        outcome.model,
        task,
        METRIC[task],
        outcome.metrics,
        len(chosen.train),
        len(chosen.val or ()),
        outcome.steps,
        outcome.resumed_from,
        round(outcome.seconds, 3),
        round(outcome.clips_per_second, 2),
    )


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
    from avtool.training.loop import fit
    from avtool.training.run_folder import identity, open_run, publish_run, run_name

    recipe, command = experiment.recipe, experiment.command
    settings = {**settings, "recipe": identity(recipe)}
    out = out or Path("runs") / run_name(f"finetune-{recipe.model.name}", settings)
    run = open_run(out, recipe, settings, command=command, overwrite=overwrite)
    if run.done:
        outcome = run.outcome()
        experiment.reporter.info(f"`{out}` is finished already: {outcome.steps} steps")
        return out, outcome
    try:
        outcome = fit(experiment.compose(), recipe, run.folder, experiment.reporter)
    except AvtoolError:
        if not (run.folder / "checkpoints").is_dir():
            shutil.rmtree(run.folder, ignore_errors=True)  # nothing to resume from
        raise
    if is_first_process():
        outcome = publish_run(
            run, outcome, recipe, command=command, seed=recipe.seed, inputs=experiment.inputs
        )
    return out, outcome


def _inputs(dataset: Path, recipe: FinetuneRecipe) -> list[Input]:
    """The files that decide the result."""
    manifest = dataset / MANIFEST if dataset.is_dir() else dataset
    found = [Input(str(dataset), "dataset", sha256_of(manifest))]
    names = dict.fromkeys(name for files in CLASS_FILES.values() for name in files)
    lists = (dataset / LABELS / f"{name}.csv" for name in names)
    found += [Input(str(path), "labels", sha256_of(path)) for path in lists if path.is_file()]
    if (start := recipe.model.init) is not None:
        weights = weights_file(start)
        found.append(Input(str(weights), "weights", sha256_of(weights)))
    return found
