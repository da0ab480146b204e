"""R@k and boxes of queries, in closed form."""

import numpy as np
import pytest

from avtool.evaluation.localisation.queries import (
    QueryPrediction,
    QueryTruth,
    absence_auc,
    score_queries,
)

NONE = np.zeros((0, 5))


def truth(*segments, boxes=NONE) -> QueryTruth:
    return QueryTruth(np.array(segments, float).reshape(-1, 2), np.asarray(boxes, float))


def found(*segments, **more) -> QueryPrediction:
    return QueryPrediction(np.array(segments, float).reshape(-1, 2), **more)


def test_recall_by_rank_and_threshold():
    true = [truth((0, 10)), truth((0, 10)), truth((0, 10)), truth((0, 10))]
    predicted = [found((0, 10)), found((0, 4), (0, 10)), found((50, 60)), found()]
    scores = score_queries(true, predicted)
    assert [scores.recall(1, limit) for limit in (0.3, 0.5)] == [50, 25]
    assert [scores.recall(5, limit) for limit in (0.3, 0.5)] == [50, 50]
    assert scores.first == pytest.approx([1, 0.4, 0, 0])


def test_a_hit_is_at_the_threshold():
    assert score_queries([truth((0, 10))], [found((0, 5))]).recall(1, 0.5) == 100
    assert score_queries([truth((0, 10))], [found((0, 4.99))]).recall(1, 0.5) == 0


def test_any_true_segment_counts():
    assert score_queries([truth((0, 5), (20, 30))], [found((21, 30))]).recall(1, 0.5) == 100


def test_ranks_end_at_five():
    wrong = [(50 + n, 51 + n) for n in range(5)]
    assert score_queries([truth((0, 5))], [found(*wrong, (0, 5))]).recall(5, 0.3) == 0


def test_boxes_count_at_true_times():
    boxes = [(0, 0.1, 0.1, 0.4, 0.4), (1, 0.1, 0.1, 0.4, 0.4), (2, 0.1, 0.1, 0.4, 0.4)]
    same, shifted, missing = [0.1, 0.1, 0.4, 0.4], [0.3, 0.1, 0.4, 0.4], [np.nan] * 4
    predicted = found((0, 2), boxes=np.array([same, shifted, missing]))
    scores = score_queries([truth((0, 2), boxes=boxes)], [predicted])
    assert scores.mean_box_iou() == pytest.approx(100 * (1 + 1 / 3 + 0) / 3)
    assert score_queries([truth((0, 2), boxes=boxes)], [found((0, 2))]).mean_box_iou() == 0
    assert np.isnan(score_queries([truth((0, 2))], [found((0, 2))]).mean_box_iou())


def test_absent_queries_should_have_less_confidence():
    assert absence_auc([0.9, 0.8], [0.1, 0.2]) == 100
    assert absence_auc([0.5], [0.5]) == 50
    assert absence_auc([0.1, 0.9], [0.5]) == 50
    assert np.isnan(absence_auc([0.1], []))
