"""Average precision, area under the ROC curve and d′ against their closed forms and definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.core.reporter import Silent
from avtool.data.labels import Targets
from avtool.evaluation.metrics.multi_label import (
    area_under_roc,
    average_precision,
    d_prime,
    score_multi_label,
)
from avtool.evaluation.protocols.multi_label import evaluate_multi_label
from avtool.evaluation.published import BenchmarkFacts
from avtool.tasks.classification.metrics import clip_metrics
from tests.unit.evaluation.prediction_samples import make_predictions

TRUTH, SCORES = np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8])


def test_the_textbook_example() -> None:
    assert average_precision(TRUTH, SCORES) == pytest.approx(5 / 6)
    assert area_under_roc(TRUTH, SCORES) == pytest.approx(0.75)


def test_equal_scores_give_the_prevalence() -> None:
    truth = np.array([True, False, False, False, True])
    assert average_precision(truth, np.zeros(5)) == pytest.approx(0.4)
    assert area_under_roc(truth, np.zeros(5)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("area", "expected"), [(0.9502, 2.3289), (0.97856, 2.8636), (0.75, 0.95387), (0.5, 0.0)]
)
def test_d_prime(area: float, expected: float) -> None:
    assert d_prime(area) == pytest.approx(expected, abs=5e-5)


def test_classes_without_positives_are_excluded_and_named() -> None:
    truth = np.column_stack([TRUTH, np.zeros(4, bool), np.ones(4, bool)])
    scores = score_multi_label(truth, np.column_stack([SCORES, SCORES, SCORES]))
    assert scores.excluded == (1,)
    assert scores.num_scored == 2
    assert scores.num_positives == (2, 0, 4)
    assert scores.mean_average_precision == pytest.approx((5 / 6 + 1) / 2)
    assert scores.mean_area == pytest.approx(0.75)  # the last class has no negatives
    assert scores.d_prime == pytest.approx(0.95387, abs=5e-5)


def test_without_any_positive_nothing_is_claimed() -> None:
    scores = score_multi_label(np.zeros((3, 2)), np.zeros((3, 2)))
    assert scores.num_scored == 0
    assert math.isnan(scores.mean_average_precision)
    assert math.isnan(scores.d_prime)


LABELLED = st.lists(st.tuples(st.booleans(), st.integers(-4, 4)), min_size=1, max_size=30)


@given(LABELLED)
def test_average_precision_is_its_definition(clips: list[tuple[bool, int]]) -> None:
    positive, scores = np.array([clip[0] for clip in clips]), np.array([clip[1] for clip in clips], float)
    found = average_precision(positive, scores)
    if not positive.any():
        assert math.isnan(found)
        return
    total, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        kept = positive[scores >= threshold]
        recall = kept.sum() / positive.sum()
        total += (recall - recall_before) * kept.mean()
        recall_before = recall
    assert found == pytest.approx(total)


@given(LABELLED)
def test_area_is_the_chance_of_the_right_order(clips: list[tuple[bool, int]]) -> None:
    positive, scores = np.array([clip[0] for clip in clips]), np.array([clip[1] for clip in clips], float)
    found = area_under_roc(positive, scores)
    if positive.all() or not positive.any():
        assert math.isnan(found)
        return
    gaps = scores[positive][:, None] - scores[~positive][None, :]
    assert found == pytest.approx(((gaps > 0) + 0.5 * (gaps == 0)).mean())


@pytest.mark.parametrize("unlabelled", ["skip", "negatives"])
def test_clips_without_labels_count_alike_in_validation_and_evaluation(unlabelled: str) -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((40, 3)) < 0.3
    assert (~truth.any(axis=1)).sum() > 5
    logits = rng.standard_normal((40, 3)).astype(np.float32)
    labels = [tuple(np.array(["a", "b", "c"])[row]) for row in truth]
    offsets = np.concatenate([[0], truth.sum(axis=1).cumsum()])
    targets = Targets("multi-label", (("a", "b", "c"),), np.nonzero(truth)[1].astype(np.int32), offsets)
    found = clip_metrics(logits, targets, unlabelled)
    report = evaluate_multi_label(
        make_predictions(logits, labels), BenchmarkFacts("mine"), Silent(), unlabelled=unlabelled
    )
    assert report.metrics["mAP"] == pytest.approx(found["mAP"])
    assert report.metrics["clips"] == (truth.any(axis=1).sum() if unlabelled == "skip" else 40)
