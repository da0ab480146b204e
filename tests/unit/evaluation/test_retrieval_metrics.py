"""Recall at k and the median rank, ties included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avtool.evaluation.metrics.retrieval import cosine_similarity, per_class_subset, score_retrieval


def test_a_perfect_match_ranks_first() -> None:
    scores = score_retrieval(np.eye(20))
    assert scores.recall == {1: 1.0, 5: 1.0, 10: 1.0}
    assert scores.median_rank == 1


def test_ties_count_once_and_by_index() -> None:
    """All alike: item i ranks i + 1, so that saying nothing is no better than chance."""
    scores = score_retrieval(np.ones((20, 20)))
    assert scores.recall == {1: 0.05, 5: 0.25, 10: 0.5}
    assert scores.median_rank == pytest.approx(10.5)


def test_the_two_directions_differ() -> None:
    similarity = np.array([[0.9, 0.8], [0.95, 0.9]])
    assert score_retrieval(similarity, ks=(1,)).recall == {1: 0.5}  # the first query only
    assert score_retrieval(similarity.T, ks=(1,)).recall == {1: 0.5}  # the second item only
    assert score_retrieval([[0.9, 0.8], [0.85, 0.7]], ks=(1,)).recall == {1: 0.5}
    assert score_retrieval(np.array([[0.9, 0.8], [0.85, 0.82]]).T, ks=(1,)).recall == {1: 1.0}


@given(arrays(np.float64, (4, 3), elements=st.integers(-2, 2)))
def test_cosine_similarity_is_its_definition(vectors: np.ndarray) -> None:
    found = cosine_similarity(vectors, vectors)
    for i, one in enumerate(vectors):
        for j, other in enumerate(vectors):
            length = np.linalg.norm(one) * np.linalg.norm(other)
            assert found[i, j] == pytest.approx(one @ other / length if length else 0.0)


def test_a_subset_has_the_first_clips_of_each_class() -> None:
    assert per_class_subset(["a", "b", "a", "a", "b", "c"], 2).tolist() == [0, 1, 2, 4, 5]
