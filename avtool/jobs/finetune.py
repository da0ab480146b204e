"""Trains a classifier on a data set: a run that can be killed and resumed, and its model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.artifact import Input
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.data.labels import CLASS_FILES, LABELS
from avtool.data.manifest import MANIFEST, read_manifest
from avtool.data.splits import choose_clips
from avtool.tasks.classification.clips import find_classes, find_task
from avtool.tasks.classification.features import FeatureSource
from avtool.tasks.classification.metrics import METRIC
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.tasks.classification.run import train
from avtool.tasks.classification.task import Experiment
from avtool.training.run import (
    input_hashes,
    weights_input,
)

if TYPE_CHECKING:
    pass


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
    settings = {"command": "finetune", "inputs": input_hashes(inputs)}
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


def _inputs(dataset: Path, recipe: FinetuneRecipe) -> list[Input]:
    """The files that decide the result."""
    manifest = dataset / MANIFEST if dataset.is_dir() else dataset
    found = [Input(str(dataset), "dataset", sha256_of(manifest))]
    names = dict.fromkeys(name for files in CLASS_FILES.values() for name in files)
    lists = (dataset / LABELS / f"{name}.csv" for name in names)
    found += [Input(str(path), "labels", sha256_of(path)) for path in lists if path.is_file()]
    if recipe.model.init is not None:
        found.append(weights_input(recipe.model.init))
    return found
