"""Overlap, average precision, and moments and highlights, in closed form."""

import numpy as np
import pytest

from avtool.evaluation.localisation.moments import (
    RankedWindows,
    clip_precision,
    score_highlights,
    score_moments,
)
from avtool.evaluation.localisation.overlap import average_precision, tiou


def _ranked(*windows):
    values = np.array(windows, dtype=float)
    return RankedWindows(values[:, :2], -np.arange(len(values), dtype=float))


@pytest.mark.parametrize(
    ("one", "other", "options", "value"),
    [
        ((0, 10), (5, 15), {}, 1 / 3),
        ((0, 10), (5, 15), {"hull": True}, 1 / 3),
        ((0, 4), (6, 10), {}, 0),
        ((3, 3), (3, 3), {}, 0),
        ((3, 3), (3, 3), {"hull": True}, 0),
        ((10, 14), (10, 19), {"inclusive": True}, 0.5),
        ((3, 3), (3, 3), {"inclusive": True}, 1),
    ],
)
def test_tiou(one, other, options, value):
    assert tiou([one], [other], **options)[0, 0] == pytest.approx(value, abs=1e-15)


def test_equal_scores_keep_their_order():
    right, wrong = (np.array([0]), np.array([1.0])), (np.array([1]), np.array([0.0]))
    assert average_precision([1, 1], [right, wrong], 2, (0.5,)).tolist() == [0.5]
    assert average_precision([1, 1], [wrong, right], 2, (0.5,)).tolist() == [0.25]


def test_an_instance_is_found_once():
    hit = (np.array([0, 1]), np.array([0.9, 0.1]))
    assert average_precision([0.9, 0.8], [hit, hit], 2, (0.5,)).tolist() == [0.5]


def test_moments():
    truth = [np.array([(0.0, 10.0), (20.0, 60.0)])]
    scores = score_moments(truth, [_ranked((20, 60), (0, 5))])
    assert scores["full"].precision[0, 0] == 1  # the second one has a tIoU of exactly 0.5
    assert scores["full"].precision[0, 1] == 0.5
    assert scores["full"].first.all()
    assert scores["short"].precision[0, 0] == 0.5  # behind a window of another length
    assert not scores["short"].first.any()
    assert len(scores["middle"].precision) == 0
    assert not score_moments(truth, [None])["full"].precision.any()


def test_only_ten_windows_count():
    windows = [(100, 101)] * 10 + [(0, 10)]
    assert not score_moments([np.array([(0.0, 10.0)])], [_ranked(*windows)])["full"].precision.any()


@pytest.mark.parametrize(
    ("positive", "scores", "value"),
    [
        ([1, 0, 1, 0], [4, 3, 2, 1], (1 + 2 / 3) / 2),
        ([1, 1, 0, 0], [1, 1, 1, 1], 0.5),
        ([1, 1, 0], [3, 3, 1], 1),
        ([0, 0], [1, 2], 0),
        ([1, 1], [1, 2], 1),
    ],
)
def test_precision_of_clips(positive, scores, value):
    found = clip_precision(np.array(positive, dtype=bool), np.array(scores, dtype=float))
    assert found == pytest.approx(value, abs=1e-15)


def test_highlights():
    ratings = np.array([[4, 0, 0], [2, 2, 2], [0, 0, 0]])
    best_first = score_highlights([ratings], [np.array([3.0, 2, 1])])
    assert best_first["VeryGood"] == (1 / 3, 1)
    assert best_first["Fair"][1] == 1
    beyond = score_highlights([ratings], [np.array([0.0, 0, 0, 9])])  # the best is no clip of the video
    assert beyond["Fair"][1] == 0
