"""Frozen features of the clips of a benchmark, their probes, and class retrieval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from avtool.benchmarks.runner.data import BenchmarkData, Fold
from avtool.benchmarks.runner.models import encoder_of
from avtool.benchmarks.runner.scoring import items_of, predictions_of, windows_of
from avtool.benchmarks.settings import EvalRecipe
from avtool.benchmarks.spec import ProtocolName
from avtool.core.arrays import Floats
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.manifest import Manifest
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.probes.clip_probe import ProbeName, ProbeOutcome, Windows, probe_clips
from avtool.evaluation.probes.neighbours import ClassRetrieval, mean_direction, retrieve_classes
from avtool.inference.clip_features import ClipFeatures, embed_clips
from avtool.inference.predictor import Predictor, Vectors

_PROBES: Mapping[ProtocolName, ProbeName] = {"linear": "logistic", "svm": "svm", "knn": "knn"}


@dataclass
class FeatureStore:
    """Features of clips, computed once for each encoder, since folds share clips.

    Attributes:
        data: the benchmark's.
        settings: which encoder, and how many windows of each clip.
        reporter: receives progress.
        random_seed: of random weights; None for the encoder's own.
    """

    data: BenchmarkData
    settings: EvalRecipe
    reporter: Reporter
    random_seed: int | None = None
    _encoders: dict[Path, Predictor] = field(default_factory=dict)
    _features: dict[tuple[Path, str], Vectors] = field(default_factory=dict)

    def of(self, clips: Manifest, fold: int) -> ClipFeatures:
        """The features of clips, in their order, by the encoder that is tested on a fold.

        Raises:
            BadInputError: the encoder cannot be used, or a clip cannot be read.
        """
        path = encoder_of(self.settings, fold)
        ids = clips.column("clip_id")
        new = [place for place, name in enumerate(ids) if (path, name) not in self._features]
        if new:
            items = items_of(clips.take(new), self.data.spec)
            windows = max(1, windows_of(self.data.spec, self.settings))
            found = embed_clips(self._encoder(path), items, windows, self.reporter)
            ends = np.cumsum(np.bincount(found.owners))[:-1]  # the windows of a clip stand together
            for place, part in zip(new, np.split(found.values, ends), strict=True):
                self._features[path, ids[place]] = part
        parts = [self._features[path, name] for name in ids]
        owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        return ClipFeatures(np.concatenate(parts), owners, len(parts))

    def directions(self, clips: Manifest, fold: int) -> Floats:
        """(N, D) the mean direction of each clip's windows."""
        found = self.of(clips, fold)
        return mean_direction(found.values, found.owners, found.count)

    def _encoder(self, path: Path) -> Predictor:
        if path not in self._encoders:
            runtime = RuntimeRecipe(device=self.settings.device)
            predictor = Predictor(path, runtime, self.reporter, random_seed=self.random_seed)
            self._encoders[path] = predictor.only(self.data.spec.modality)
        return self._encoders[path]


def probe_fold(store: FeatureStore, fold: Fold) -> tuple[Predictions, ProbeOutcome]:
    """Scores the test clips by a probe of the training clips' features."""
    data, settings = store.data, store.settings
    parts = []
    for clips in (fold.train, fold.test):
        found = store.of(clips, fold.number)
        parts.append(Windows(found.values, found.owners, data.labels(clips), data.groups(clips)))
    outcome = probe_clips(
        parts[0],
        parts[1],
        len(data.classes),
        _PROBES[settings.protocol],
        neighbours=settings.neighbours,
        seed=settings.seed,
    )
    if not outcome.converged:
        store.reporter.warn(f"{fold.name}: the linear probe stopped before it had converged")
    return predictions_of(fold.test, data.classes, outcome.scores.astype(np.float32)), outcome


def retrieve_fold(store: FeatureStore, fold: Fold) -> ClassRetrieval:
    """Ranks the training clips by each test clip's features, and compares their classes."""
    queries, gallery = (store.directions(clips, fold.number) for clips in (fold.test, fold.train))
    data = store.data
    return retrieve_classes(queries, data.labels(fold.test), gallery, data.labels(fold.train))


def mean_recall(found: Sequence[ClassRetrieval]) -> dict[int, float]:
    """k → R@k in %, the mean over folds."""
    return {k: 100 * float(np.mean([one.recall[k] for one in found])) for k in found[0].recall}
