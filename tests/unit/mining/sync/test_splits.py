from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avtool.mining.sync.correlate import Spans
from avtool.mining.sync.splits import best_path, pieces_of, without_short_pieces

scores_of_few_cues = st.tuples(st.integers(1, 5), st.integers(1, 3)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.floats(-4, 4, width=16))
)


def value_of(path, scores, penalty):
    changes = sum(a != b for a, b in pairwise(path))
    return float(sum(scores[cue, choice] for cue, choice in enumerate(path))) - penalty * changes


@settings(max_examples=200)
@given(scores_of_few_cues, st.floats(0, 5, width=16))
def test_path_is_as_good_as_the_best_of_all_paths(scores, penalty):
    num_cues, num_choices = scores.shape
    best = max(value_of(path, scores, penalty) for path in product(range(num_choices), repeat=num_cues))
    found = best_path(scores, penalty).tolist()
    assert value_of(found, scores, penalty) == pytest.approx(best, abs=1e-4)


def test_large_penalty_gives_one_piece():
    scores = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    assert len(pieces_of(best_path(scores, 1e6))) == 1
    assert best_path(scores, 1e6)[0] == scores.sum(axis=0).argmax()


def test_pieces_are_stretches_of_equal_choice():
    assert pieces_of(np.array([3, 3, 1, 1, 1, 3])) == [(0, 2), (2, 5), (5, 6)]


@pytest.mark.parametrize(("min_cues", "min_span_s", "choice"), [(4, 99.0, 2), (4, 5.0, 1), (3, 99.0, 1)])
def test_short_piece_joins_the_better_neighbour(min_cues, min_span_s, choice):
    path = np.array([0] * 10 + [1] * 3 + [2] * 10)
    scores = np.zeros((23, 3), np.float32)
    scores[10:13] = [1.0, 3.0, 2.0]
    cues = Spans(np.arange(23) * 2.0, np.arange(23) * 2.0 + 1.5)
    joined = without_short_pieces(path, scores, cues, min_cues, min_span_s)
    assert joined[10:13].tolist() == [choice] * 3
