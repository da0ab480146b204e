"""ESC-50 and ESC-10 for pretrained encoders: linear probe, neighbours, fine-tuning, beside random weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from avtool.benchmarks.esc50 import baselines as floors_benchmark
from avtool.benchmarks.esc50.dataset import FOLDS, EscData
from avtool.benchmarks.esc50.results import LAST_EPOCH, evaluate_esc
from avtool.core.artifact import read_artifact
from avtool.core.errors import BadInputError
from avtool.core.recipe import option
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import Item
from avtool.data.manifest import Manifest
from avtool.evaluation.baselines import Floor
from avtool.evaluation.feature_map import map_values
from avtool.evaluation.metrics.intervals import summarise_folds
from avtool.evaluation.predictions import Predictions, join_predictions
from avtool.evaluation.probes.clip_probe import ProbeName, ProbeOutcome, Windows, probe_clips
from avtool.evaluation.probes.neighbours import mean_direction
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.inference.clip_features import ClipFeatures, embed_clips
from avtool.inference.predictor import Predictor
from avtool.tasks.classification.adapt import adapted_recipe
from avtool.tasks.classification.recipe import FinetuneRecipe

Protocol = Literal["train", "linear", "svm", "knn", "finetune"]
TrainFold = Callable[[int, FinetuneRecipe], Predictions]
_FOLD = "{fold}"
_PROBES: Mapping[str, ProbeName] = {"linear": "logistic", "svm": "svm", "knn": "knn"}
_TITLES = {
    "linear": "linear probe",
    "svm": "linear SVM",
    "knn": "neighbours",
    "finetune": "fine-tuning",
}
_CHOICES = {
    "linear": "C was chosen by leaving out one training fold at a time: nothing was chosen by test folds.",
    "svm": "C was chosen by leaving out one training fold at a time: nothing was chosen by test folds.",
    "knn": "Nothing was chosen by test folds: the number of neighbours and their weights are set beforehand.",
    "finetune": LAST_EPOCH,
}


class EncoderSettings(floors_benchmark.Settings):
    """What is asked of an encoder."""

    protocol: Protocol = option(
        "train",
        "train: from scratch; of --encoder: linear, svm, knn on frozen features, or finetune.",
        flag="--protocol",
    )
    encoder: str | None = option(
        None,
        "A pretrained model or run; {fold} in it stands for the fold that it is tested on.",
        flag="--encoder",
    )
    windows: int = option(10, "Windows of each clip, where the encoder takes less than 5 s.", ge=1, le=100)
    neighbours: int = option(20, "knn: neighbours that vote, by exp(cosine / 0.07).", ge=1, le=1000)
    twin: bool = option(True, "Measure the same encoder with random weights too.")


@dataclass(frozen=True)
class EncoderTask:
    """What is needed to evaluate an encoder.

    Attributes:
        settings: of the benchmark.
        data: the data set.
        rows: its clips as a manifest.
        seeds: of trainings, and of random weights.
        device: where to compute.
        reporter: told about progress.
    """

    settings: EncoderSettings
    data: EscData
    rows: Manifest
    seeds: Sequence[int]
    device: str
    reporter: Reporter

    def encoder(self, fold: int) -> Path:
        """The encoder that is tested on a fold."""
        assert self.settings.encoder is not None, "checked before"
        return Path(self.settings.encoder.replace(_FOLD, str(fold)))


@dataclass
class _Measured:
    """Predictions of all clips by seed, of the encoder and of its twins, and what led to them."""

    ours: dict[int, Predictions] = field(default_factory=dict)
    twins: dict[int, Predictions] = field(default_factory=dict)
    outcomes: dict[str, list[ProbeOutcome]] = field(default_factory=dict)
    features: ClipFeatures | None = None


def evaluate_encoder(
    task: EncoderTask, floors: Sequence[Floor], recipe: FinetuneRecipe, train_fold: TrainFold
) -> BenchmarkReport:
    """Scores an encoder on all folds, with its random-weight twin and the floors beside.

    Args:
        task: what to evaluate.
        floors: classical ones.
        recipe: how to fine-tune.
        train_fold: fold and recipe → predictions of the fold by a model that learned from the others.

    Raises:
        AvtoolError: the encoder cannot be used, or a training failed.
    """
    protocol = task.settings.protocol
    measured = _finetune(task, recipe, train_fold) if protocol == "finetune" else _probe(task)
    twin = [_twin_floor(list(measured.twins.values()), protocol)] if measured.twins else []
    report = evaluate_esc(
        task.data,
        measured.ours,
        floors=[*twin, *floors],
        name=f"{_TITLES[protocol]} of {Path(cast(str, task.settings.encoder)).name}",
        training="as its card says",
        published=f"{task.data.title.lower()}-linear" if protocol in {"linear", "svm"} else "",
        choice=_CHOICES[protocol],
    )
    return _with_encoder_facts(task, report, measured)


def _finetune(task: EncoderTask, recipe: FinetuneRecipe, train_fold: TrainFold) -> _Measured:
    """Trains on each fold with each seed, from the encoder and from random weights."""
    measured = _Measured()
    for seed in task.seeds:
        of_seed = recipe.model_copy(update={"seed": seed})
        for runs, start in ((measured.ours, True), (measured.twins, False)):
            if start or task.settings.twin:
                task.reporter.info(f"seed {seed}: from {'the encoder' if start else 'random weights'}")
                parts = [
                    train_fold(fold, adapted_recipe(of_seed, task.encoder(fold), "audio", start=start))
                    for fold in FOLDS
                ]
                runs[seed] = join_predictions(parts)
    return measured


def _probe(task: EncoderTask) -> _Measured:
    """Probes the encoder, which has nothing to draw at random, and a twin for each seed."""
    measured = _Measured()
    task.reporter.info(f"{_TITLES[task.settings.protocol]} of the encoder")
    outcomes, predictions, measured.features = _probe_folds(task, random_seed=None)
    measured.ours[task.seeds[0]], measured.outcomes["ours"] = predictions, outcomes
    if task.settings.twin:
        measured.outcomes["twin"] = []
        for seed in task.seeds:
            task.reporter.info(f"{_TITLES[task.settings.protocol]} of random weights, seed {seed}")
            outcomes, measured.twins[seed], _ = _probe_folds(task, random_seed=seed)
            measured.outcomes["twin"] += outcomes
    return measured


def _probe_folds(
    task: EncoderTask, random_seed: int | None
) -> tuple[list[ProbeOutcome], Predictions, ClipFeatures]:
    """The outcome of each fold, the predictions of all clips, and the features of the first encoder."""
    known: dict[Path, ClipFeatures] = {}
    outcomes, parts = [], []
    items = [Item(clip.clip_id, task.rows.local(clip.audio), clip, task.rows) for clip in task.rows]
    for fold in FOLDS:
        path = task.encoder(fold)
        if path not in known:
            model = Predictor(
                path, RuntimeRecipe(device=task.device), task.reporter, random_seed=random_seed
            ).only("audio")
            known[path] = embed_clips(model, items, task.settings.windows, task.reporter)
        outcome, predictions = _probe_fold(task, known[path], fold)
        outcomes.append(outcome)
        parts.append(predictions)
    return outcomes, join_predictions(parts), next(iter(known.values()))


def _probe_fold(task: EncoderTask, features: ClipFeatures, fold: int) -> tuple[ProbeOutcome, Predictions]:
    data, settings = task.data, task.settings
    folds = np.array([clip.fold for clip in data.clips])
    labels = np.array([data.classes.index(clip.label) for clip in data.clips])
    train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
    parts = []
    for clips in (train, test):
        found = features.of(clips)
        parts.append(Windows(found.values, found.owners, labels[clips], folds[clips].tolist()))
    outcome = probe_clips(
        parts[0],
        parts[1],
        len(data.classes),
        _PROBES[settings.protocol],
        neighbours=settings.neighbours,
        seed=settings.seed,
    )
    if not outcome.converged:
        task.reporter.warn(f"fold {fold}: the linear probe stopped before it had converged")
    tested = [data.clips[place] for place in test.tolist()]
    predictions = Predictions(
        tuple(clip.clip_id for clip in tested),
        data.classes,
        outcome.scores.astype(np.float32),
        tuple((clip.label,) for clip in tested),
        tuple(clip.source for clip in tested),
        tuple(clip.fold for clip in tested),
    )
    return outcome, predictions


def _twin_floor(runs: Sequence[Predictions], protocol: str) -> Floor:
    """The twins' accuracy on each fold, the mean over seeds."""
    means = np.mean([run.fold_accuracies(FOLDS) for run in runs], axis=0)
    return Floor("random weights", _TITLES[protocol], summarise_folds(means.tolist()))


def _with_encoder_facts(task: EncoderTask, report: BenchmarkReport, measured: _Measured) -> BenchmarkReport:
    """The report with the gain over the twin, the settings chosen, retrieval, and what the encoder knows."""
    metrics, tables = dict(report.metrics), list(report.tables)
    headline = report.headline
    if twin := report.metrics["floors"].get(f"{_TITLES[task.settings.protocol]} on random weights"):
        ours = np.mean([of_seed["folds"] for of_seed in report.metrics["seeds"].values()], axis=0)
        gain = summarise_folds((ours - np.array(twin["folds"])).tolist())
        metrics["gain_over_random_weights"] = {"folds": list(gain.values), "mean": gain.mean}
        headline += (
            f"; {gain.mean:+.2f} points over random weights, paired by fold "
            f"(95 % t interval {gain.interval.low:+.1f} to {gain.interval.high:+.1f})"
        )
    for name, of_fold in measured.outcomes.items():
        if chosen := [outcome.regularisation for outcome in of_fold if outcome.regularisation]:
            metrics[f"regularisation_{name}"] = chosen
        if found := [outcome.retrieval.recall for outcome in of_fold if outcome.retrieval]:
            metrics[f"recall_{name}"] = {k: 100 * float(np.mean([one[k] for one in found])) for k in found[0]}
    if "recall_ours" in metrics:
        tables.insert(1, _recall_table(metrics))
    if measured.features is not None:
        features = measured.features
        clips = mean_direction(features.values, features.owners, features.count)
        metrics["feature_map"] = map_values(clips, [clip.label for clip in task.data.clips])
    notes = [*report.notes, *_heard(task)]
    return replace(report, headline=headline, metrics=metrics, tables=tables, notes=notes)


def _recall_table(metrics: Mapping[str, Any]) -> Table:
    titles = {"recall_ours": "the encoder", "recall_twin": "random weights"}
    rows = [
        [title, *(round(value, 2) for value in metrics[name].values())]
        for name, title in titles.items()
        if name in metrics
    ]
    columns = ["encoder", *(f"R@{k}" for k in metrics["recall_ours"])]
    return Table("share of clips with one of their class among the k nearest in %", columns, rows)


def _heard(task: EncoderTask) -> list[str]:
    """What the encoders' cards say of the folds that they were trained on."""
    notes = []
    for path in dict.fromkeys(task.encoder(fold) for fold in FOLDS):
        tested = [fold for fold in FOLDS if task.encoder(fold) == path]
        if shared := sorted(learned_folds(path) & set(tested)):
            folds = ", ".join(map(str, shared))
            notes.append(f"`{path}` learned from clips of fold {folds}, on which it is tested.")
    return notes


def learned_folds(model: Path) -> set[int]:
    """The folds that a model's card says it was trained on."""
    from avtool.models.model_files import find_model

    recipe = read_artifact(find_model(model), "model").recipe
    return set(recipe.get("data", {}).get("train_folds") or ())


def check_encoder_settings(settings: EncoderSettings) -> None:
    """Refuses settings that do not belong together.

    Raises:
        BadInputError: they do not.
    """
    if settings.encoder and settings.protocol == "train":
        raise BadInputError("--encoder needs a --protocol", "choose linear, svm, knn or finetune")
    if settings.protocol != "train" and not settings.encoder:
        message = f"--protocol {settings.protocol} needs an --encoder"
        raise BadInputError(message, "give a model, or a run")
    if settings.encoder and settings.predictions:
        raise BadInputError("--encoder and --predictions are both given", "give one of them")
