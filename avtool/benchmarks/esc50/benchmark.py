"""ESC-50 and ESC-10: trains on the official folds, and shows floors and published numbers beside.

Each fold's run is kept, so that an interrupted benchmark goes on, and a repeated one only scores.
"""

from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from avtool.benchmarks.cached_run import cached_run, train_cached
from avtool.benchmarks.esc50 import baselines as floors_benchmark
from avtool.benchmarks.esc50.dataset import FOLDS, SECONDS, EscClip, EscData
from avtool.benchmarks.esc50.encoder import (
    EncoderSettings,
    EncoderTask,
    check_encoder_settings,
    evaluate_encoder,
    learned_folds,
)
from avtool.benchmarks.esc50.results import evaluate_esc
from avtool.benchmarks.esc50.some_folds import report_some_folds
from avtool.core.artifact import Input, settings_hash
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.manifest_columns import checked_table
from avtool.core.parallel import map_unordered
from avtool.core.paths import find_recipe
from avtool.core.recipe import load, option
from avtool.core.reporter import Reporter, Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.data.folds import Folds
from avtool.data.items import clip_items
from avtool.data.manifest import Manifest
from avtool.evaluation.predictions import Predictions, join_predictions
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.report import BenchmarkReport
from avtool.inference.clip_features import score_clips
from avtool.inference.predictor import Predictor
from avtool.tasks.classification.features import FeatureSource
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.tasks.classification.task import ClassificationTask


class Settings(EncoderSettings):
    """ESC-50 and ESC-10."""

    model: Path | None = option(None, "Score this model instead of training.", flag="--model")
    training: str | None = option(
        None,
        "The recipe to train by: a file, or a shipped one.  [default: finetune/esc50-cnn, or with --encoder "
        "finetune/esc50-encoder]",
        flag="--training",
    )
    epochs: int | None = option(None, "Epochs.  [default: the recipe's]", flag="--epochs", ge=1)
    seeds: int = option(1, "Trainings of each fold: by seed, seed + 1, …", flag="--seeds", ge=1, le=100)
    folds: Folds | None = option(None, "Only these folds: quicker, but not the protocol.", flag="--folds")
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    runs: Path | None = option(None, "Where the folds' runs are kept.  [default: the cache]", flag="--runs")
    jobs: int = option(
        -1,
        "Processes that compute spectrograms and, on a CPU and without --encoder, train folds side by side; "
        "-1: one a processor.",
        flag="--jobs",
        ge=-1,
    )


def run(settings: Settings, reporter: Reporter) -> BenchmarkReport:
    """Measures the floors, trains or loads what is to be scored, and scores it.

    Raises:
        AvtoolError: the data set is not there or not whole, a setting is wrong, or a training failed.
    """
    data = floors_benchmark.open_data(settings, reporter)
    if settings.predictions and settings.model:
        raise BadInputError("--predictions and --model are both given", "give one of them")
    if foreign := set(settings.folds or ()) - set(FOLDS):
        raise BadInputError(f"there is no fold {min(foreign)}", "the official folds are 1 to 5")
    check_encoder_settings(settings)
    if settings.encoder:
        return _encoder_report(settings, data, reporter)
    runs, name = _predictions(settings, data, reporter)
    floors = floors_benchmark.esc_floors(data, reporter, settings.seed) if settings.floors else []
    if all(len(found.clip_ids) == len(data.clips) for found in runs.values()):
        training = "as its card says" if settings.model else "no other data"
        return evaluate_esc(data, runs, floors=floors, name=name, training=training)
    return report_some_folds(data, runs, floors, name)


def _encoder_report(settings: Settings, data: EscData, reporter: Reporter) -> BenchmarkReport:
    if settings.model or settings.folds:
        other = "--model" if settings.model else "--folds"
        raise BadInputError(f"--encoder and {other} are both given", "an encoder is scored on all folds")
    rows = manifest_of(data.clips, data.title)
    recipe = _training_recipe(settings)

    def train_fold(fold: int, adapted: FinetuneRecipe) -> Predictions:
        source = FeatureSource(adapted, reporter, settings.jobs, rows)
        finished = train_cached(*_plan(settings, data, fold, adapted, source, reporter))
        return predict_clips(finished, data.fold(fold)[1], settings.device, reporter)

    seeds = range(settings.seed, settings.seed + settings.seeds)
    task = EncoderTask(settings, data, rows, seeds, settings.device, reporter)
    floors = floors_benchmark.esc_floors(data, reporter, settings.seed) if settings.floors else []
    return evaluate_encoder(task, floors, recipe, train_fold)


def _predictions(settings: Settings, data: EscData, reporter: Reporter) -> tuple[dict[int, Predictions], str]:
    """Seed → the predictions to score, and what they are called."""
    if settings.predictions:
        return {settings.seed: read_predictions(settings.predictions)}, settings.predictions.name
    if settings.model:
        learned = learned_folds(settings.model)
        folds = settings.folds or tuple(sorted(set(FOLDS) - learned))
        if shared := set(folds) & learned:
            message = f"`{settings.model}` has learned from fold {min(shared)}"
            raise BadInputError(message, "score it on other folds with --folds")
        clips = [clip for clip in data.clips if clip.fold in folds]
        return {settings.seed: predict_clips(settings.model, clips, settings.device, reporter)}, "the model"
    recipe = _training_recipe(settings)
    whole = manifest_of(data.clips, data.title)
    source = FeatureSource(recipe, reporter, settings.jobs, whole)
    folds = settings.folds or FOLDS
    seeds = range(settings.seed, settings.seed + settings.seeds)
    plans = {
        (seed, fold): _plan(settings, data, fold, recipe.model_copy(update={"seed": seed}), source, reporter)
        for seed in seeds
        for fold in folds
    }
    waiting = [which for which, (_, out) in plans.items() if not out.exists()]
    kept = len(plans) - len(waiting)
    reporter.info(f"{data.title}: {len(plans)} trainings; {kept} are kept from before")
    if waiting:
        source.of(whole)  # once, before each training asks for it
        _train_side_by_side(settings, waiting, reporter)
    runs = {}
    for seed in seeds:
        parts = [
            predict_clips(train_cached(*plans[seed, fold]), data.fold(fold)[1], settings.device, reporter)
            for fold in folds
        ]
        runs[seed] = join_predictions(parts)
    return runs, f"{recipe.model.name} ({Path(_training_name(settings)).name})"


def _train_side_by_side(settings: Settings, waiting: list[tuple[int, int]], reporter: Reporter) -> None:
    """Trains (seed, fold) in processes of one thread each, where that is faster; the runs are kept.

    A small network gains little from a second thread, and two trainings take no longer than one.
    """
    from avtool.models.runtime import choose_device, launched_processes

    on_cpu = choose_device(settings.device).value == "cpu"
    if settings.jobs == 1 or len(waiting) < 2 or launched_processes() > 1 or not on_cpu:
        return
    tasks = [(settings, seed, fold) for seed, fold in waiting]
    with reporter.progress("training folds", len(tasks)) as bar:
        for _ in map_unordered(_train_apart, tasks, jobs=settings.jobs):
            bar.advance()


def _train_apart(task: tuple[Settings, int, int]) -> None:
    """Trains one fold in a process of its own; what fails fails again in the main one, which says why."""
    settings, seed, fold = task
    reporter = Silent()
    with suppress(AvtoolError):
        data = floors_benchmark.open_data(settings, reporter)
        recipe = _training_recipe(settings)
        # a process of joblib can start no loader processes, and has no processor for them either
        loop = recipe.loop.model_copy(update={"workers": 0})
        recipe = recipe.model_copy(update={"seed": seed, "loop": loop})
        source = FeatureSource(recipe, reporter, 1, manifest_of(data.clips, data.title))
        train_cached(*_plan(settings, data, fold, recipe, source, reporter))


def _training_name(settings: Settings) -> str:
    return settings.training or f"finetune/esc50-{'encoder' if settings.encoder else 'cnn'}"


def _training_recipe(settings: Settings) -> FinetuneRecipe:
    flags = {"loop.epochs": settings.epochs, "runtime.device": settings.device, "data.seconds": SECONDS}
    recipe = load(FinetuneRecipe, recipe=find_recipe(_training_name(settings)), flags=flags)
    if recipe.data.train_folds or recipe.data.val_folds:
        raise BadInputError(
            f"the recipe `{_training_name(settings)}` chooses folds itself", "take data.train_folds out"
        )
    return recipe


def _plan(
    settings: Settings,
    data: EscData,
    fold: int,
    recipe: FinetuneRecipe,
    source: FeatureSource,
    reporter: Reporter,
) -> tuple[ClassificationTask, Path]:
    """A training on the other folds, and its run. The last epoch counts: nothing looks at the test."""
    training, _ = data.fold(fold)
    clips = manifest_of(training, data.title)
    learned = tuple(other for other in FOLDS if other != fold)  # on the model's card, so that it is known
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"train_folds": learned})})
    sizes = [(clip.clip_id, clip.label, clip.path.stat().st_size) for clip in training]
    content = Input(f"{data.title} without fold {fold}", "clips", settings_hash([data.subset, fold, sizes]))
    task = ClassificationTask.of_clips(
        clips,
        data.classes,
        recipe,
        reporter,
        inputs=[content],
        features=source,
        command="eval --benchmark esc50",
    )
    return task, cached_run(task, settings.runs, f"{data.subset}-seed{recipe.seed}-fold{fold}")


def manifest_of(clips: tuple[EscClip, ...], origin: str) -> Manifest:
    """The clips as rows of a manifest."""
    columns = {
        "clip_id": [clip.clip_id for clip in clips],
        "media": [str(clip.path.absolute()) for clip in clips],
        "start": [0.0] * len(clips),
        "end": [SECONDS] * len(clips),
        "fold": [clip.fold for clip in clips],
        "labels": [[clip.label] for clip in clips],
        "group": [clip.source for clip in clips],
    }
    return Manifest(checked_table(pa.table(columns), origin), Path(), origin)


def predict_clips(
    model: Path, clips: list[EscClip] | tuple[EscClip, ...], device: str, reporter: Reporter
) -> Predictions:
    """The logits of the clips' five seconds."""
    predictor = Predictor(model, RuntimeRecipe(device=device), reporter)
    logits = score_clips(predictor, clip_items(manifest_of(tuple(clips), "the test clips")), None, reporter)
    return Predictions(
        tuple(clip.clip_id for clip in clips),
        predictor.outputs.labels,
        logits,
        tuple((clip.label,) for clip in clips),
        tuple(clip.source for clip in clips),
        tuple(clip.fold for clip in clips),
    )
