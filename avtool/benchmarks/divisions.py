"""Encoders on data sets with official divisions: probes and retrieval on frozen features, and fine-tuning."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from avtool.benchmarks.cached_run import cached_run, train_cached
from avtool.core.arrays import Ints
from avtool.core.artifact import Input, settings_hash
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import Item
from avtool.data.manifest import Manifest
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.probes.clip_probe import ProbeName, Windows, probe_clips
from avtool.evaluation.probes.neighbours import ClassRetrieval, mean_direction, retrieve_classes
from avtool.inference.clip_features import ClipFeatures, embed_clips, score_clips
from avtool.inference.predictor import Predictor, Vectors
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.tasks.classification.task import ClassificationTask


@dataclass(frozen=True)
class Division:
    """A division of a data set.

    Attributes:
        name: `split 1`.
        train: clips to learn from.
        test: clips to score.
        classes: names.
    """

    name: str
    train: Manifest
    test: Manifest
    classes: tuple[str, ...]

    def labels(self, clips: Manifest) -> Ints:
        """(N,) class indices.

        Raises:
            BadInputError: a clip has not one label of the list.
        """
        index = {(name,): number for number, name in enumerate(self.classes)}
        found = [index.get(tuple(labels), -1) for labels in clips.column("labels")]
        if -1 in found:
            clip = clips[found.index(-1)]
            message = f"clip `{clip.clip_id}` is labelled `{', '.join(clip.labels)}`, which is no class"
            raise BadInputError(message, "prepare the data set again")
        return np.array(found, np.int64)


@dataclass
class FeatureStore:
    """Features of clips by their id, each computed once, since divisions share clips.

    Attributes:
        model: the encoder.
        windows: of each clip.
        reporter: told about progress.
    """

    model: Predictor
    windows: int
    reporter: Reporter
    _known: dict[str, Vectors] = field(default_factory=dict)

    def of(self, clips: Manifest) -> ClipFeatures:
        """The features of clips, in their order."""
        new = [clip for clip in clips if clip.clip_id not in self._known]
        if new:
            items = [item for item in video_items(clips) if item.name not in self._known]
            found = embed_clips(self.model, items, self.windows, self.reporter)
            ends = np.cumsum(np.bincount(found.owners))[:-1]  # the windows of a clip stand together
            parts = np.split(found.values, ends)
            self._known |= {clip.clip_id: part for clip, part in zip(new, parts, strict=True)}
        parts = [self._known[name] for name in clips.column("clip_id")]
        owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        return ClipFeatures(np.concatenate(parts), owners, len(parts))


def probe_division(
    division: Division, store: FeatureStore, name: ProbeName, reporter: Reporter, seed: int
) -> Predictions:
    """Scores the test clips by a probe that has learned from the training clips."""
    parts = []
    for clips in (division.train, division.test):
        found = store.of(clips)
        groups = [
            group or clip for group, clip in zip(clips.column("group"), clips.column("clip_id"), strict=True)
        ]
        parts.append(Windows(found.values, found.owners, division.labels(clips), groups))
    outcome = probe_clips(parts[0], parts[1], len(division.classes), name, seed=seed)
    if not outcome.converged:
        reporter.warn(f"{division.name}: the linear probe stopped before it had converged")
    return _predictions(division, outcome.scores.astype(np.float32))


def retrieve_division(division: Division, store: FeatureStore) -> ClassRetrieval:
    """Finds training clips of the class of each test clip, by the mean direction of their windows."""
    clips = []
    for part in (division.test, division.train):
        found = store.of(part)
        clips.append(mean_direction(found.values, found.owners, found.count))
    queries, gallery = clips
    return retrieve_classes(queries, division.labels(division.test), gallery, division.labels(division.train))


@dataclass(frozen=True)
class FinetuneSettings:
    """Where and how a division is trained on.

    Attributes:
        benchmark: its name.
        runs: the folder of its trainings; None for the cache.
        windows: of each test clip, whose probabilities are averaged.
        device: where to compute.
        jobs: processes that compute spectrograms.
    """

    benchmark: str
    runs: Path | None
    windows: int
    device: str
    jobs: int = 1


def finetune_division(
    division: Division, recipe: FinetuneRecipe, settings: FinetuneSettings, reporter: Reporter
) -> Predictions:
    """Trains on the training clips, and scores the test clips; a training that is finished is kept.

    The last epoch counts: nothing looks at the test clips.
    """
    clips = division.train
    command = f"eval --benchmark {settings.benchmark}"
    content = settings_hash([clips.column(name) for name in ("clip_id", "media", "start", "end", "labels")])
    task = ClassificationTask.of_clips(
        clips,
        division.classes,
        recipe,
        reporter,
        inputs=[Input(f"{settings.benchmark} {division.name}", "clips", content)],
        jobs=settings.jobs,
        command=command,
    )
    name = f"{settings.benchmark}-{division.name.replace(' ', '')}"
    finished = train_cached(task, cached_run(task, settings.runs, name))
    predictor = Predictor(finished, RuntimeRecipe(device=settings.device), reporter)
    return _predictions(
        division, score_clips(predictor, video_items(division.test), settings.windows, reporter)
    )


def video_items(clips: Manifest) -> list[Item]:
    """The clips as items of their video files."""
    return [Item(clip.clip_id, clips.local(clip.video), clip, clips) for clip in clips]


def _predictions(division: Division, scores: Vectors) -> Predictions:
    test = division.test
    return Predictions(
        tuple(test.column("clip_id")),
        division.classes,
        scores,
        tuple(tuple(labels) for labels in test.column("labels")),
        tuple(test.column("group")),
    )


def mean_retrieval(found: Sequence[ClassRetrieval]) -> dict[str, float]:
    """R@k in %, the mean over divisions."""
    return {f"R@{k}": 100 * float(np.mean([one.recall[k] for one in found])) for k in found[0].recall}
