"""Nearest neighbours by cosine: class retrieval, and classification by weighted votes.

Ties: of equally similar gallery items the one that stands first is the nearer. An encoder that gives every
clip the same feature therefore finds the class of the first item and no other, instead of everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Floats, Ints, as_scores
from avtool.evaluation.metrics.ranks import share_within
from avtool.evaluation.metrics.retrieval import cosine_similarity

RETRIEVAL_KS = (1, 5, 10, 20, 50)
_QUERIES_AT_A_TIME = 256


@dataclass(frozen=True)
class ClassRetrieval:
    """How near the nearest item of a query's own class is.

    Attributes:
        recall: k → share of queries with an item of their class among the k nearest.
        ranks: (Q,) rank of the nearest such item, from 1; gallery size + 1 where there is none.
    """

    recall: dict[int, float]
    ranks: Ints


def mean_direction(features: ArrayLike, owners: Ints, count: int) -> Floats:
    """The features of clips from those of their windows: unit vectors are averaged, and brought to length 1.

    Args:
        features: (windows, D).
        owners: (windows,) clip of each window, below `count`.
        count: number of clips; each has a window.

    Returns:
        (count, D).
    """
    values = _unit(as_scores(features))
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, owners, values)
    return _unit(sums)


def retrieve_classes(
    queries: ArrayLike,
    query_labels: Ints,
    gallery: ArrayLike,
    gallery_labels: Ints,
    ks: Sequence[int] = RETRIEVAL_KS,
) -> ClassRetrieval:
    """Finds items of the same class.

    Args:
        queries: (Q, D).
        query_labels: (Q,).
        gallery: (G, D), none of them a query.
        gallery_labels: (G,).
        ks: the k wanted.
    """
    own = np.asarray(query_labels)[:, None] == np.asarray(gallery_labels)[None]
    ranks = best_ranks(cosine_similarity(queries, gallery), own)
    return ClassRetrieval({k: share_within(ranks, k) for k in ks}, ranks)


def best_ranks(similarity: ArrayLike, wanted: ArrayLike) -> Ints:
    """The rank of the best wanted item of each row; ties as in the docstring of this module.

    Args:
        similarity: (Q, G).
        wanted: (Q, G) which items are right.

    Returns:
        (Q,) ranks from 1; G + 1 where a row wants nothing.
    """
    values, right = as_scores(similarity), np.asarray(wanted, bool)
    order = np.argsort(-values, axis=1, kind="stable")
    found = np.take_along_axis(right, order, axis=1)
    ranks: Ints = np.where(found.any(axis=1), found.argmax(axis=1) + 1, values.shape[1] + 1).astype(np.int64)
    return ranks


def classify_by_neighbours(
    queries: ArrayLike,
    gallery: ArrayLike,
    gallery_labels: Ints,
    num_classes: int,
    *,
    k: int = 20,
    temperature: float = 0.07,
) -> Floats:
    """Class scores by the votes of the k nearest items, each of weight exp(cosine / temperature).

    The rule of Wu et al., Unsupervised Feature Learning via Non-Parametric Instance Discrimination, 2018.

    Args:
        queries: (Q, D).
        gallery: (G, D).
        gallery_labels: (G,) class indices.
        num_classes: C.
        k: neighbours; all where the gallery is smaller.
        temperature: of the weights.

    Returns:
        (Q, C) shares of the votes.
    """
    items, labels = as_scores(gallery), np.asarray(gallery_labels)
    values, k = as_scores(queries), min(k, len(items))
    shares = np.zeros((len(values), num_classes))
    for first in range(0, len(values), _QUERIES_AT_A_TIME):
        similarity = cosine_similarity(values[first : first + _QUERIES_AT_A_TIME], items)
        nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
        found = np.take_along_axis(similarity, nearest, axis=1)
        weights = np.exp((found - found[:, :1]) / temperature)
        for row in range(len(similarity)):
            votes = np.bincount(labels[nearest[row]], weights[row], num_classes)
            shares[first + row] = votes / votes.sum()
    return shares


def _unit(vectors: Floats) -> Floats:
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.where(norm > 0, norm, 1.0)
    return unit
