"""Neighbours: ranks with ties, R@k against scikit-learn, weighted votes."""

import numpy as np
import pytest

from avtool.evaluation.probes.neighbours import (
    best_ranks,
    classify_by_neighbours,
    mean_direction,
    retrieve_classes,
)


def test_ranks_on_a_small_matrix_with_ties() -> None:
    similarity = [
        [0.9, 0.8, 0.1, 0.0, 0.0, 0.0],  # the nearest is right
        [0.9, 0.8, 0.1, 0.0, 0.0, 0.0],  # the second
        [0.5, 0.5, 0.5, 0.5, 0.5, 0.5],  # all alike: the order of the gallery decides
        [0.1, 0.2, 0.3, 0.3, 0.3, 0.1],  # a tie at the top, the right one stands last of the three
    ]
    wanted = np.zeros((4, 6), bool)
    wanted[0, 0] = wanted[1, 1] = wanted[2, 3] = wanted[3, 4] = wanted[3, 0] = True
    assert best_ranks(similarity, wanted).tolist() == [1, 2, 4, 3]


def test_a_class_that_the_gallery_lacks_is_never_found() -> None:
    assert best_ranks([[0.1, 0.9]], [[False, False]]).tolist() == [3]


def test_an_encoder_that_collapsed_finds_one_class_alone() -> None:
    ones = np.ones((4, 3))
    found = retrieve_classes(ones, np.arange(4), ones, np.arange(4))
    assert found.recall[1] == 0.25


def test_recall_is_that_of_sklearns_neighbours() -> None:
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(0)
    gallery, queries = rng.standard_normal((200, 16)), rng.standard_normal((80, 16))
    of_gallery, of_queries = rng.integers(12, size=200), rng.integers(12, size=80)
    found = retrieve_classes(queries, of_queries, gallery, of_gallery, ks=(1, 5, 20))
    nearest = NearestNeighbors(n_neighbors=20, metric="cosine").fit(gallery).kneighbors(queries)[1]
    right = of_gallery[nearest] == of_queries[:, None]
    assert found.recall == {k: pytest.approx(right[:, :k].any(axis=1).mean()) for k in (1, 5, 20)}


def test_windows_are_averaged_as_directions() -> None:
    features = np.array([[3.0, 0.0], [0.0, 0.1], [0.0, 5.0]])
    found = mean_direction(features, np.array([0, 0, 1]), 2)
    np.testing.assert_allclose(found, [[2**-0.5, 2**-0.5], [0, 1]])


def test_opposite_windows_leave_no_direction() -> None:
    assert mean_direction([[1.0, 0.0], [-1.0, 0.0]], np.array([0, 0]), 1).tolist() == [[0, 0]]


def test_one_neighbour_decides_alone() -> None:
    gallery = [[1.0, 0.0], [0.0, 1.0]]
    scores = classify_by_neighbours([[1.0, 0.1], [0.1, 1.0]], gallery, np.array([2, 0]), 3, k=1)
    assert scores.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_near_votes_weigh_more_than_many() -> None:
    angles = np.deg2rad([2, 60, 60, 60])
    gallery = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    labels = np.array([1, 0, 0, 0])
    sharp = classify_by_neighbours([[1.0, 0.0]], gallery, labels, 2, k=4, temperature=0.07)
    blunt = classify_by_neighbours([[1.0, 0.0]], gallery, labels, 2, k=4, temperature=100)
    assert sharp.argmax() == 1
    np.testing.assert_allclose(blunt, [[0.75, 0.25]], atol=0.01)


def test_votes_are_the_same_in_blocks() -> None:
    rng = np.random.default_rng(0)
    gallery, queries = rng.standard_normal((50, 8)), rng.standard_normal((600, 8))
    labels = rng.integers(4, size=50)
    whole = classify_by_neighbours(queries, gallery, labels, 4, k=7)
    parts = [classify_by_neighbours(part, gallery, labels, 4, k=7) for part in np.array_split(queries, 5)]
    np.testing.assert_allclose(whole, np.concatenate(parts))
