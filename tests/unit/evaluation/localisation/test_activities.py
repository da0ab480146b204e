"""Detection and retrieval of activities: the values of Ego4D's evaluator."""

import numpy as np
import pytest

from avtool.evaluation.localisation.activities import Activity, detection, retrieval

HITS = [Activity("a", 0, 10, 0.9), Activity("a", 20, 30, 0.8)]
FALSE = Activity("a", 50, 60, 0.95)
TWO = {"c": {"a": [(0, 10), (20, 30)]}}


def _map(truth, predicted):
    return np.mean(list(detection(truth, predicted).values()), axis=0)


@pytest.mark.parametrize(
    ("truth", "predicted", "value"),
    [
        (TWO, [FALSE, *HITS], 2 / 3),
        (TWO, [FALSE, HITS[0]], 0.25),
        ({"c": {"a": [(0, 10)], "b": [(0, 10)]}}, [HITS[0]], 0.5),
        ({"c": {"a": [(0, 10)]}}, [Activity("x", 0, 10, 1), HITS[0]], 1),
        ({"c": {"a": [(0, 10)]}}, [HITS[0], HITS[0]], 1),
    ],
)
def test_detection(truth, predicted, value):
    assert _map(truth, {"c": predicted}) == pytest.approx([value] * 5, abs=1e-12)


def test_a_false_detection_in_another_clip():
    truth = {"c": {"a": [(0, 10)]}}
    found = detection(truth, {"other": [FALSE], "c": [HITS[0]]})
    assert found["a"] == pytest.approx([0.5] * 5, abs=1e-12)


def test_a_tiou_of_exactly_a_half_is_detected_and_not_retrieved():
    truth, predicted = {"c": {"a": [(0, 10)]}}, {"c": [Activity("a", 0, 5, 1)]}
    assert _map(truth, predicted)[-1] == 1
    assert retrieval(truth, predicted)[:, 1].tolist() == [0] * 5
    assert retrieval(truth, predicted)[0, 0] == 1


def test_retrieval_follows_the_order_of_the_file():
    assert retrieval(TWO, {"c": [FALSE, *HITS]})[:, 1].tolist() == [0.5, 1, 1, 1, 1]
    truth = {"c": {"a": [(0, 10)]}}
    assert retrieval(truth, {"c": [FALSE, HITS[0]]})[:2, 1].tolist() == [0, 1]
    late = [Activity("a", 50, 60, 0.1), HITS[0]]  # unsorted: the lower score is first
    assert retrieval(truth, {"c": late})[0, 1] == 0
    assert not retrieval(truth, {}).any()
