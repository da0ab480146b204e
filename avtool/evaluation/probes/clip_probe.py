"""Probes of clips by their windows: fitted on the windows of some clips, scored on others."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from avtool.core.arrays import Floats, Ints
from avtool.evaluation.metrics.ranks import log_softmax
from avtool.evaluation.probes.linear import Features, Kind, fit_linear_probe
from avtool.evaluation.probes.neighbours import (
    ClassRetrieval,
    classify_by_neighbours,
    mean_direction,
    retrieve_classes,
)

ProbeName = Literal["logistic", "svm", "knn"]


@dataclass(frozen=True)
class Windows:
    """The windows of labelled clips.

    Attributes:
        features: (windows, D).
        owners: (windows,) the place of each window's clip.
        labels: (clips,) class indices.
        groups: (clips,) what must not be divided when settings are chosen.
    """

    features: Features
    owners: Ints
    labels: Ints
    groups: Sequence[Hashable]


@dataclass(frozen=True)
class ProbeOutcome:
    """The scores of test clips by a probe.

    Attributes:
        scores: (clips, classes) logarithms of the windows' mean probabilities; of an SVM mean margins.
        regularisation: the C chosen, of a linear probe; else None.
        converged: whether its solver came to an end.
        retrieval: of a probe by neighbours; else None.
    """

    scores: Floats
    regularisation: float | None = None
    converged: bool = True
    retrieval: ClassRetrieval | None = None


def probe_clips(
    train: Windows, test: Windows, num_classes: int, name: ProbeName, *, neighbours: int = 20, seed: int = 0
) -> ProbeOutcome:
    """Learns from the windows of the training clips, and scores the test clips.

    Args:
        train: to learn from.
        test: to score.
        num_classes: C.
        name: `logistic` and `svm` classify each window, and a clip by the mean of its windows; `knn`
            compares clips, by the mean direction of their windows after scaling by the training windows.
        neighbours: that vote.
        seed: of what is random.
    """
    if name == "knn":
        return _by_neighbours(train, test, num_classes, neighbours)
    return _by_line(train, test, num_classes, name, seed)


def _by_line(train: Windows, test: Windows, num_classes: int, kind: Kind, seed: int) -> ProbeOutcome:
    groups = [train.groups[owner] for owner in train.owners.tolist()]
    probe = fit_linear_probe(train.features, train.labels[train.owners], groups, kind=kind, seed=seed)
    found = probe.scores(test.features)
    values = np.exp(found) if kind == "logistic" else found
    mean = np.zeros((len(test.labels), num_classes))
    counts = np.bincount(test.owners, minlength=len(test.labels))
    for column, label in enumerate(probe.classes.tolist()):
        mean[:, label] = np.bincount(test.owners, values[:, column], len(test.labels)) / counts
    unknown = np.setdiff1d(np.arange(num_classes), probe.classes)
    if kind == "logistic":
        scores = np.log(np.maximum(mean, np.finfo(np.float32).tiny))
    else:
        mean[:, unknown] = mean.min() - 1  # what it has not learned is less likely than all it has
        scores = mean
    return ProbeOutcome(scores, probe.regularisation, probe.converged)


def _by_neighbours(train: Windows, test: Windows, num_classes: int, neighbours: int) -> ProbeOutcome:
    values = np.asarray(train.features, np.float64)
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    deviation[deviation == 0] = 1.0
    gallery, queries = (
        mean_direction((np.asarray(part.features) - mean) / deviation, part.owners, len(part.labels))
        for part in (train, test)
    )
    votes = classify_by_neighbours(queries, gallery, train.labels, num_classes, k=neighbours)
    found = retrieve_classes(queries, test.labels, gallery, train.labels)
    return ProbeOutcome(log_softmax(np.log(np.maximum(votes, np.finfo(np.float32).tiny))), retrieval=found)
