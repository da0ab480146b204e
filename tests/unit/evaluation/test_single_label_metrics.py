"""Top-k, ties, confusion, and verbs with nouns against naive definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avtool.evaluation.metrics.ranks import pair_ranks, ranks_of
from avtool.evaluation.metrics.single_label import (
    class_accuracies,
    confusion_matrix,
    score_actions,
    top_k_accuracy,
)


def small_scores(rows: int, columns: int) -> st.SearchStrategy[np.ndarray]:
    """Small integers, so that ties are frequent."""
    return arrays(np.float64, (rows, columns), elements=st.integers(-3, 3))


@given(small_scores(5, 6), arrays(np.int64, 5, elements=st.integers(0, 5)))
def test_a_rank_is_the_place_in_a_stable_sort(scores: np.ndarray, target: np.ndarray) -> None:
    order = np.argsort(-scores, axis=1, kind="stable")
    expected = [int(np.flatnonzero(row == label)[0]) + 1 for row, label in zip(order, target, strict=True)]
    assert ranks_of(scores, target).tolist() == expected


@given(small_scores(4, 3), small_scores(4, 5), st.data())
def test_a_pair_ranks_among_all_pairs(first: np.ndarray, second: np.ndarray, data: st.DataObject) -> None:
    verbs = data.draw(arrays(np.int64, 4, elements=st.integers(0, 2)))
    nouns = data.draw(arrays(np.int64, 4, elements=st.integers(0, 4)))
    expected = []
    for row in range(4):
        pairs = list(itertools.product(range(3), range(5)))
        pairs.sort(key=lambda pair: -(first[row, pair[0]] + second[row, pair[1]]))
        expected.append(pairs.index((verbs[row], nouns[row])) + 1)
    assert pair_ranks(first, second, verbs, nouns).tolist() == expected


def test_a_model_that_says_nothing_is_right_about_one_class() -> None:
    assert top_k_accuracy(np.arange(10), np.zeros((10, 10))) == {1: 0.1, 5: 0.5}


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(AssertionError, match="finite"):
        top_k_accuracy([0], [[np.nan, 1.0]])


def test_confusion_counts_true_rows_and_predicted_columns() -> None:
    confusion = confusion_matrix([0, 0, 1, 2], [0, 1, 1, 0], num_classes=4)
    assert confusion.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(class_accuracies(confusion), [0.5, 1.0, 0.0, np.nan])


def test_an_action_is_right_where_its_verb_and_its_noun_are() -> None:
    """Three clips: both right; only the verb; only the noun."""
    verb_logits = [[2.0, 0.0], [2.0, 0.0], [0.0, 2.0]]
    noun_logits = [[0.0, 1.0, 3.0], [3.0, 1.0, 0.0], [0.0, 3.0, 1.0]]
    scores = score_actions([0, 0, 0], [2, 1, 1], verb_logits, noun_logits, ks=(1, 2))
    assert scores.verb == {1: pytest.approx(2 / 3), 2: 1.0}
    assert scores.noun == {1: pytest.approx(2 / 3), 2: 1.0}
    # second clip: (0,0) > (0,1) = (1,0) in sum, and the lower index counts first; third: (1,1) > (0,1)
    assert scores.action == {1: pytest.approx(1 / 3), 2: 1.0}


@given(small_scores(6, 3), small_scores(6, 4), st.data())
def test_action_top_1_is_both_top_1(verbs: np.ndarray, nouns: np.ndarray, data: st.DataObject) -> None:
    verb = data.draw(arrays(np.int64, 6, elements=st.integers(0, 2)))
    noun = data.draw(arrays(np.int64, 6, elements=st.integers(0, 3)))
    both = (ranks_of(verbs, verb) == 1) & (ranks_of(nouns, noun) == 1)
    assert score_actions(verb, noun, verbs, nouns).action[1] == pytest.approx(both.mean())
