"""Tubes: the values of Ego4D's evaluator."""

import numpy as np
import pytest

from avtool.evaluation.localisation.tubes import Tube, score_tubes


def _tube(first, last, box=(0, 0, 10, 10), score=1.0):
    frames = np.arange(first, last)
    return Tube(frames, np.tile(np.array(box, dtype=float), (len(frames), 1)), score)


TRUTH = _tube(10, 20)


@pytest.mark.parametrize(
    ("tube", "temporal", "first_temporal", "spatial", "recovery", "success"),
    [
        (_tube(10, 15), 0.5, 1, 0.5, 0.5, 1),
        (_tube(15, 25), 0.25, 1, 0.25, 0.5, 1),
        (_tube(10, 20, (0, 0, 10, 5)), 1, 1, 0.5, 1, 1),
        (_tube(30, 40), 0, 0, 0, 0, 0),
        (_tube(10, 20, (50, 50, 60, 60)), 1, 1, 0, 0, 0),
        (_tube(10, 10), 0, 0, 0, 0, 0),
        (None, 0, 0, 0, 0, 0),
    ],
)
def test_one_query(tube, temporal, first_temporal, spatial, recovery, success):
    scores = score_tubes([TRUTH], [tube])
    found = (
        scores.temporal.mean(),
        scores.temporal[0],
        scores.spatial.mean(),
        scores.recovery,
        scores.success,
    )
    assert found == pytest.approx((temporal, first_temporal, spatial, recovery, success), abs=1e-12)


def test_an_empty_track_is_found_by_nothing():
    scores = score_tubes([_tube(10, 10)], [_tube(10, 15)])
    assert not scores.temporal.any()
    assert not scores.spatial.any()
    assert (scores.recovery, scores.success) == (0, 0)


@pytest.mark.parametrize(("right", "wrong", "value"), [(0.9, 0.5, 0.5), (0.5, 0.9, 0.25)])
def test_scores_rank_the_queries(right, wrong, value):
    scores = score_tubes([TRUTH, TRUTH], [_tube(10, 20, score=right), _tube(40, 50, score=wrong)])
    assert scores.temporal == pytest.approx([value] * 4, abs=1e-12)
    assert scores.spatial == pytest.approx([value] * 4, abs=1e-12)
    assert scores.success == 0.5


def test_recovery_is_over_all_frames():
    assert score_tubes([TRUTH, _tube(0, 30)], [_tube(10, 20), _tube(90, 95)]).recovery == 0.25
