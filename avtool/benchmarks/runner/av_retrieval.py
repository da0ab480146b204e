"""Retrieval between the audio and the video of test clips, by an encoder of both (CAV-MAE, MAViL)."""

from collections.abc import Sequence

from avtool.benchmarks.runner.data import BenchmarkData, Fold
from avtool.benchmarks.runner.models import encoder_of, encoder_title
from avtool.benchmarks.runner.outcome import RANDOM_INIT
from avtool.benchmarks.runner.report import differences
from avtool.benchmarks.settings import EvalRecipe
from avtool.core.arrays import Floats
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import clip_items
from avtool.data.manifest import Manifest
from avtool.evaluation.metrics.retrieval import per_class_subset
from avtool.evaluation.probes.neighbours import mean_direction
from avtool.evaluation.protocols.retrieval import evaluate_embeddings
from avtool.evaluation.report import BenchmarkReport
from avtool.inference.clip_features import embed_clips
from avtool.inference.predictor import Predictor


def av_retrieval_report(
    data: BenchmarkData, settings: EvalRecipe, folds: Sequence[Fold], reporter: Reporter
) -> BenchmarkReport:
    """Ranks the video of test clips by each one's audio, and the audio by its video; without its sibling.

    Raises:
        BadInputError: the encoder does not take both, or there are fewer than two clips with both.
    """
    (fold,) = folds
    protocol = data.spec.protocols[settings.protocol]
    clips = _with_both(fold.test)
    if protocol.per_class:
        first = [labels[0] for labels in clips.column("labels")]
        clips = clips.take(per_class_subset(first, protocol.per_class).tolist())
    facts, caveats = data.spec.facts(settings.protocol).without_published(differences(data, settings, [fold]))
    seeds = {encoder_title(settings): None, **({RANDOM_INIT: settings.seed} if settings.random_init else {})}
    reports = {}
    for name, seed in seeds.items():
        audio, video = _embeddings(clips, settings, fold, seed, reporter)
        reports[name] = evaluate_embeddings(audio, video, name=name, facts=facts)
    ours, *others = reports.values()
    metrics = {**ours.metrics, **({"random_init": others[0].metrics} if others else {})}
    tables = [*ours.tables, *(other.tables[-1] for other in others)]
    chosen = f"the first {protocol.per_class} of each class" if protocol.per_class else "all"
    notes = [f"Of the test clips with audio and video, {chosen}: {len(clips)}.", *ours.notes]
    return BenchmarkReport(ours.headline, metrics, tables, notes, caveats=caveats)


def _with_both(clips: Manifest) -> Manifest:
    rows = [row for row, clip in enumerate(clips) if clips.has_audio(clip) and clips.has_video(clip)]
    if len(rows) < 2:
        message = f"{len(rows)} test clips of `{clips.origin}` have audio and video, retrieval needs two"
        raise BadInputError(message, "give the clips with both")
    return clips.take(rows)


def _embeddings(
    clips: Manifest, settings: EvalRecipe, fold: Fold, seed: int | None, reporter: Reporter
) -> tuple[Floats, Floats]:
    """(N, D) of audio and of video, each from one window in the middle of what the encoder takes."""
    path = encoder_of(settings, fold.number)
    predictor = Predictor(path, RuntimeRecipe(device=settings.device), reporter, random_seed=seed)
    items = clip_items(clips)
    found = []
    for modality in ("audio", "video"):
        features = embed_clips(predictor.only(modality), items, 1, reporter)
        found.append(mean_direction(features.values, features.owners, features.count))
    return found[0], found[1]
