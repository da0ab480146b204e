"""The linear probe: what it chooses, and that groups and test clips have no part in it."""

import numpy as np
import pytest

from avtool.evaluation.probes.linear import GRID, fit_linear_probe

KINDS = ["logistic", "svm"]


def blobs(count: int, classes: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((classes, 8))
    labels = np.arange(count) % classes
    return (centres[labels] + noise * rng.standard_normal((count, 8))).astype(np.float32), labels


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [2, 5])
def test_it_learns_what_is_linear(kind: str, classes: int) -> None:
    features, labels = blobs(100, classes, 0.2)
    probe = fit_linear_probe(features, labels, list(range(100)), kind=kind)
    unseen, truth = blobs(60, classes, 0.2, seed=1)
    scores = probe.scores(unseen)
    assert scores.shape == (60, classes)
    assert float((scores.argmax(axis=1) == truth).mean()) == 1.0
    assert probe.regularisation in GRID
    assert probe.converged


def test_logistic_scores_are_logarithms_of_probabilities() -> None:
    features, labels = blobs(60, 3, 0.5)
    probe = fit_linear_probe(features, labels, list(range(60)))
    np.testing.assert_allclose(np.exp(probe.scores(features)).sum(axis=1), 1.0)


def test_two_classes_have_sklearns_probabilities() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, labels = blobs(60, 2, 2.0)
    probe = fit_linear_probe(features, labels, list(range(60)), grid=[0.1])
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(features, labels)
    np.testing.assert_allclose(np.exp(probe.scores(features)), reference.predict_proba(features), atol=1e-3)


def test_features_that_correlate_have_sklearns_optimum() -> None:
    """Values of 64 features from 1 to 1e-4 along their principal axes, as those of random networks."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((64, 64)))[0]
    features = (rng.standard_normal((300, 64)) * np.logspace(0, -4, 64)) @ axes
    labels = (features @ rng.standard_normal((64, 4)) + 0.3 * rng.standard_normal((300, 4))).argmax(axis=1)
    probe = fit_linear_probe(features, labels, list(range(300)), grid=[0.01])
    scaled = StandardScaler().fit_transform(features)
    reference = LogisticRegression(C=0.01, tol=1e-8, max_iter=20_000).fit(scaled, labels)
    assert probe.converged
    np.testing.assert_allclose(np.exp(probe.scores(features)), reference.predict_proba(scaled), atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_scale_and_offset_of_a_feature_do_not_matter(kind: str) -> None:
    features, labels = blobs(60, 3, 1.0)
    scaled = features * np.logspace(-3, 3, 8) + 100
    groups = list(range(60))
    first = fit_linear_probe(features, labels, groups, kind=kind).scores(features)
    second = fit_linear_probe(scaled, labels, groups, kind=kind).scores(scaled)
    np.testing.assert_allclose(first, second, atol=2e-2)


def test_a_group_is_never_on_both_sides_of_the_choice() -> None:
    """Features of the recording alone: with another of its windows in training, all would be right."""
    rng = np.random.default_rng(0)
    recordings = rng.standard_normal((40, 64))
    features = np.repeat(recordings, 4, axis=0) + 0.01 * rng.standard_normal((160, 64))
    labels = np.repeat(rng.permutation(40) % 2, 4)
    leaking = fit_linear_probe(features, labels, list(range(160)))
    honest = fit_linear_probe(features, labels, np.repeat(np.arange(40), 4).tolist())
    assert max(leaking.validation.values()) > 0.95
    assert max(honest.validation.values()) < 0.75


def test_the_stronger_penalty_wins_a_tie() -> None:
    features, labels = blobs(40, 2, 0.01)
    probe = fit_linear_probe(features, labels, list(range(40)))
    assert probe.regularisation == min(c for c, v in probe.validation.items() if v == 1.0)


def test_one_group_leaves_nothing_to_choose_by() -> None:
    features, labels = blobs(20, 2, 0.1)
    probe = fit_linear_probe(features, labels, ["film"] * 20, grid=[0.5, 1.0])
    assert probe.validation == {}
    assert probe.regularisation == 0.5


def test_few_clips_of_a_class_are_no_obstacle() -> None:
    features, labels = blobs(30, 3, 0.2)
    labels[labels == 2] = 1
    labels[0] = 2
    assert fit_linear_probe(features, labels, list(range(30))).scores(features).shape == (30, 3)
