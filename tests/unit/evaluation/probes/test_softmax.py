"""Logistic regression along principal axes, beside scikit-learn's to a small gradient."""

import numpy as np
import pytest

from avtool.evaluation.probes.softmax import fit_softmax

GRID = (1e-3, 1e-1, 1.0)


def features_of(count: int, width: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Features whose axes differ a hundredfold in scale, and labels that depend on some of them."""
    draw = np.random.default_rng(0)
    labels = np.arange(count) % classes
    values = draw.standard_normal((count, width)) @ (
        draw.standard_normal((width, width)) * np.geomspace(1, 0.01, width)
    )
    values[:, :classes] += 1.5 * np.eye(classes)[labels]
    return values + 3, labels + 5


@pytest.mark.parametrize(("count", "width", "classes"), [(240, 20, 4), (30, 50, 3), (80, 10, 2)])
def test_equals_scikit_learn_at_every_strength(count: int, width: int, classes: int) -> None:
    from sklearn.linear_model import LogisticRegression

    values, labels = features_of(count, width, classes)
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    for strength, fitted in zip(GRID, fit_softmax(values, labels, GRID), strict=True):
        theirs = LogisticRegression(C=strength, tol=1e-9, max_iter=20_000).fit(scaled, labels)
        wanted = theirs.predict_proba(scaled)
        logits = fitted.decision_function(values)
        ours = np.exp(logits - logits.max(axis=1, keepdims=True))
        np.testing.assert_allclose(ours / ours.sum(axis=1, keepdims=True), wanted, atol=1e-4)
        assert fitted.converged
        assert (fitted.predict(values) == theirs.predict(scaled)).all()


def test_strengths_keep_their_order_and_constant_features_are_unread() -> None:
    values, labels = features_of(60, 8, 3)
    values[:, 4] = 7.0
    weak, strong = fit_softmax(values, labels, (1.0, 1e-4))
    assert np.abs(weak.weight).max() > 10 * np.abs(strong.weight).max()
    np.testing.assert_allclose(weak.weight[4], 0, atol=1e-9)
