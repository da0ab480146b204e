"""R@k of sentences: the values of Ego4D's evaluator."""

import numpy as np
import pytest

from avtool.evaluation.localisation.sentences import score_sentences
from avtool.evaluation.localisation.submissions import ranked_windows


def _scores(truth, predicted, *, strict=True):
    ranked = [ranked_windows([(*window, 0) for window in one]) for one in predicted]
    return score_sentences(truth, ranked, (1, 3, 5), (0.3, 0.5), strict=strict)


def test_ranks():
    scores = _scores([(0, 10), (20, 30)], [[(0, 10), (50, 60)], [(90, 95), (80, 85), (20, 30)]])
    assert scores.recall().tolist() == [[0.5, 0.5], [1, 1], [1, 1]]
    assert scores.mean_tiou() == 0.5


@pytest.mark.parametrize(
    ("predicted", "strict", "first_row"),
    [
        ([(0, 5)], True, [1, 0]),
        ([(0, 5)], False, [1, 1]),
        ([(0, 3)], True, [0, 0]),
        ([(0, 3)], False, [1, 0]),
    ],
)
def test_a_tiou_at_the_threshold(predicted, strict, first_row):
    assert _scores([(0, 10)], [predicted], strict=strict).recall()[0].tolist() == first_row


def test_the_sixth_window_is_too_late():
    windows = [(50 + place, 51 + place) for place in range(5)] + [(0, 10)]
    assert not _scores([(0, 10)], [windows]).recall().any()


def test_a_window_without_a_length_is_never_hit():
    scores = _scores([(5, 5)], [[(5, 5), (4, 6)]])
    assert not scores.recall().any()
    assert np.isfinite(scores.mean_tiou())
