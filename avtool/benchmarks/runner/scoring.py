"""Predictions of a model over the test clips of a fold."""

from pathlib import Path

from avtool.benchmarks.runner.data import Fold
from avtool.benchmarks.settings import EvalRecipe
from avtool.benchmarks.spec import BenchmarkSpec
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import Item
from avtool.data.manifest import Manifest
from avtool.evaluation.predictions import Predictions
from avtool.inference.clip_features import score_clips
from avtool.inference.outputs import Logits
from avtool.inference.predictor import Predictor


def items_of(clips: Manifest, spec: BenchmarkSpec) -> list[Item]:
    """The clips by the files of the modality that is evaluated."""
    audio = spec.modality == "audio"
    return [
        Item(clip.clip_id, clips.local(clip.audio if audio else clip.video), clip, clips) for clip in clips
    ]


def windows_of(spec: BenchmarkSpec, settings: EvalRecipe) -> int:
    """Windows of each clip: those of the settings, or else of the protocol."""
    return spec.protocols[settings.protocol].windows if settings.windows is None else settings.windows


def crops_of(spec: BenchmarkSpec, settings: EvalRecipe) -> int:
    """Crops of each window's frames, likewise."""
    return spec.protocols[settings.protocol].crops if settings.crops is None else settings.crops


def score_fold(
    model: Path, fold: Fold, spec: BenchmarkSpec, settings: EvalRecipe, reporter: Reporter
) -> Predictions:
    """The predictions of the test clips of a fold.

    Raises:
        BadInputError: there is no classifier, or it does not take the clips.
    """
    predictor = Predictor(model, RuntimeRecipe(device=settings.device), reporter)
    predictor = predictor.with_crops(crops_of(spec, settings))
    if settings.class_map:
        predictor = predictor.with_class_map(settings.class_map)
    windows = windows_of(spec, settings) or None
    scores = score_clips(predictor, items_of(fold.test, spec), windows, reporter)
    return predictions_of(fold.test, predictor.outputs.labels, scores)


def predictions_of(clips: Manifest, classes: tuple[str, ...], scores: Logits) -> Predictions:
    """Scores (N, C) of clips, with their labels, recordings and folds."""
    return Predictions(
        tuple(clips.column("clip_id")),
        classes,
        scores,
        tuple(tuple(labels) for labels in clips.column("labels")),
        tuple(clips.column("group")),
        tuple(clips.column("fold")),
    )
