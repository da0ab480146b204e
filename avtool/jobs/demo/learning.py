"""Trains on the sounds that were mined from some films, and names those of a film that it has not heard."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import Input
from avtool.core.files import sha256_of
from avtool.core.paths import find_recipe
from avtool.core.recipe import load
from avtool.core.reporter import Reporter
from avtool.data.manifest import MANIFEST, Manifest, read_manifest
from avtool.evaluation.metrics.intervals import mean_interval
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import read_predictions
from avtool.inference.recipes import PredictRecipe
from avtool.jobs.demo.recipe import DemoRecipe
from avtool.jobs.predict import predict
from avtool.tasks.classification.features import FeatureSource
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.tasks.classification.task import ClassificationTask
from avtool.training.run import train_task

COMMAND = "avtool demo"


@dataclass(frozen=True)
class LearnResult:
    """What was learned.

    Attributes:
        run: the trained model's run.
        predictions: its predictions of the held-out film.
        films: the held-out films.
        train_clips: how many it learned from.
        test_clips: how many of the held-out film were scored.
        unscored: clips of the held-out film whose sound no training film has.
        classes: sounds that it was trained on.
        accuracy: share of the held-out clips that it names right.
        interval: of the accuracy: 95 %, a bootstrap over clips.
        majority: the accuracy of always predicting the training films' most frequent sound.
        seconds: wall time of the training.
    """

    run: Path
    predictions: Path
    films: tuple[str, ...]
    train_clips: int
    test_clips: int
    unscored: int
    classes: int
    accuracy: float
    interval: tuple[float, float]
    majority: float
    seconds: float


def learn_sounds(
    mined: Path, out: Path, recipe: DemoRecipe, reporter: Reporter, *, jobs: int = 1, init: Path | None = None
) -> LearnResult | None:
    """Trains a classifier on the mined events of the training films, and scores it on the held-out ones.

    Args:
        mined: the mined dataset, split by film.
        out: the demonstration's folder, for `run` and `predictions`.
        recipe: the settings.
        reporter: gets progress.
        jobs: processes that compute spectrograms.
        init: weights to start from.

    Returns:
        The result; None where the held-out films have no sound that the others have.
    """
    clips = _with_one_sound(read_manifest(mined))
    if not _shared_sounds(clips):
        reporter.info("nothing is trained: the held-out film shares no sound with another film")
        return None
    learned = clips.select("train")
    counts = Counter(label for (label,) in learned.column("labels"))
    training = _training_recipe(recipe, init)
    reporter.info(f"learning {len(counts)} sounds from {len(learned)} clips")
    task = ClassificationTask.of_clips(
        learned,
        sorted(counts),
        training,
        reporter,
        inputs=[Input(str(mined), "dataset", sha256_of(mined / MANIFEST))],
        features=FeatureSource(training, reporter, jobs, clips),
        command=COMMAND,
    )
    run = out / "run"
    outcome = train_task(task, run)
    scored = out / "predictions"
    predict([str(mined)], run, scored, PredictRecipe(split="test"), reporter, command=COMMAND)
    test, unscored = known_clips(read_predictions(scored))
    right = test.scores.argmax(axis=1) == test.label_indices()[:, 0]
    interval = mean_interval(right, seed=recipe.seed)
    most_frequent = min(counts, key=lambda label: (-counts[label], label))
    return LearnResult(
        run,
        scored,
        tuple(sorted(set(test.groups))),
        len(learned),
        len(right),
        unscored,
        len(counts),
        float(right.mean()),
        (interval.low, interval.high),
        sum(labels == (most_frequent,) for labels in test.labels) / len(right),
        round(outcome.seconds, 1),
    )


def known_clips(predictions: Predictions) -> tuple[Predictions, int]:
    """The clips with one sound that is a class of the model, and how many have another."""
    single = [row for row, labels in enumerate(predictions.labels) if len(labels) == 1]
    known = [row for row in single if predictions.labels[row][0] in predictions.classes]
    return predictions.take(known), len(single) - len(known)


def _with_one_sound(clips: Manifest) -> Manifest:
    return clips.take([place for place, labels in enumerate(clips.column("labels")) if len(labels) == 1])


def _shared_sounds(clips: Manifest) -> set[str]:
    sounds: dict[str, set[str]] = {"train": set(), "test": set()}
    for split, (label,) in zip(clips.column("split"), clips.column("labels"), strict=True):
        sounds.setdefault(split, set()).add(label)
    return sounds["train"] & sounds["test"]


def _training_recipe(recipe: DemoRecipe, init: Path | None) -> FinetuneRecipe:
    flags = {"seed": recipe.seed, "model.init": init}
    return load(FinetuneRecipe, recipe=find_recipe(recipe.training), flags=flags)
