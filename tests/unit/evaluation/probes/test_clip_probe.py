"""Probing clips by their windows: averages, unknown classes, and that the test has no say."""

import numpy as np
import pytest

from avtool.evaluation.probes.clip_probe import Windows, probe_clips

CLASSES = 3


def windows(clips: int, each: int, seed: int = 0, noise: float = 0.3) -> Windows:
    rng = np.random.default_rng(seed)
    centres = 2 * np.eye(CLASSES, 6)
    labels = np.arange(clips) % CLASSES
    owners = np.repeat(np.arange(clips), each)
    features = centres[labels[owners]] + noise * rng.standard_normal((len(owners), 6))
    return Windows(features.astype(np.float32), owners, labels, list(range(clips)))


@pytest.mark.parametrize("name", ["logistic", "svm", "knn"])
@pytest.mark.parametrize("each", [1, 4])
def test_clips_are_scored_by_their_windows(name, each: int) -> None:
    test = windows(12, each, seed=1)
    outcome = probe_clips(windows(30, each), test, CLASSES, name)
    assert outcome.scores.shape == (12, CLASSES)
    assert np.isfinite(outcome.scores).all()
    assert (outcome.scores.argmax(axis=1) == test.labels).all()
    assert (outcome.retrieval is not None) is (name == "knn")
    assert (outcome.regularisation is not None) is (name != "knn")


def test_logistic_scores_are_mean_probabilities() -> None:
    test = windows(6, 5, seed=2)
    outcome = probe_clips(windows(30, 1), test, CLASSES, "logistic")
    np.testing.assert_allclose(np.exp(outcome.scores).sum(axis=1), 1)


@pytest.mark.parametrize("name", ["logistic", "svm", "knn"])
def test_a_class_without_training_clips_comes_last(name) -> None:
    train = windows(30, 2)
    known = np.flatnonzero(train.labels != 2)
    kept = np.isin(train.owners, known)
    place = np.full(30, -1)
    place[known] = np.arange(len(known))
    groups = list(range(len(known)))
    few = Windows(train.features[kept], place[train.owners[kept]], train.labels[known], groups)
    scores = probe_clips(few, windows(9, 2, seed=1), CLASSES, name).scores
    assert (scores.argmin(axis=1) == 2).all()


@pytest.mark.parametrize("name", ["logistic", "svm", "knn"])
def test_a_test_clip_is_scored_alike_whatever_stands_beside_it(name) -> None:
    train, test = windows(30, 2, noise=1.0), windows(10, 2, seed=1, noise=1.0)
    whole = probe_clips(train, test, CLASSES, name).scores
    first = Windows(test.features[:2], test.owners[:2], test.labels[:1], [0])
    np.testing.assert_allclose(probe_clips(train, first, CLASSES, name).scores, whole[:1], rtol=1e-9)


def test_knn_is_told_the_scale_by_the_training_windows() -> None:
    train, test = windows(30, 2), windows(12, 2, seed=1)
    stretch = np.array([1, 1, 1, 1000, 1, 1], np.float32)  # a loud feature that says nothing
    outcome = probe_clips(
        Windows(train.features * stretch, train.owners, train.labels, train.groups),
        Windows(test.features * stretch, test.owners, test.labels, test.groups),
        CLASSES,
        "knn",
    )
    assert outcome.retrieval is not None
    assert outcome.retrieval.recall[1] > 0.9
