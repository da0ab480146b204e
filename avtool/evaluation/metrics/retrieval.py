"""Recall at k and the median rank of paired retrieval, such as from audio to video."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Floats, Ints, as_scores
from avtool.evaluation.metrics.ranks import ranks_of, share_within


@dataclass(frozen=True)
class RetrievalScores:
    """One direction of retrieval.

    Attributes:
        recall: k → share of queries whose own item is among the k most alike.
        median_rank: of a query's own item, from 1.
    """

    recall: dict[int, float]
    median_rank: float


def cosine_similarity(queries: ArrayLike, items: ArrayLike) -> Floats:
    """(N, D) and (M, D) → (N, M) cosines; a zero vector is unlike everything."""
    similarity: Floats = _unit(as_scores(queries)) @ _unit(as_scores(items)).T
    return similarity


def _unit(vectors: Floats) -> Floats:
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.where(norm > 0, norm, 1.0)
    return unit


def score_retrieval(similarity: ArrayLike, ks: Sequence[int] = (1, 5, 10)) -> RetrievalScores:
    """Scores pairs: query i belongs to item i.

    Args:
        similarity: (N, N), row a query; its transpose scores the other direction.
        ks: the k wanted.
    """
    array = as_scores(similarity)
    assert array.shape[0] == array.shape[1], f"paired retrieval needs a square matrix, not {array.shape}"
    ranks = ranks_of(array, np.arange(len(array)))
    median = float(np.median(ranks)) if len(ranks) else float("nan")
    return RetrievalScores({k: share_within(ranks, k) for k in ks}, median)


def per_class_subset(labels: Sequence[str], per_class: int) -> Ints:
    """Indices (N,) of the first `per_class` clips of each class, in order; CAV-MAE takes 5 a class."""
    seen: dict[str, int] = {}
    chosen = []
    for index, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= per_class:
            chosen.append(index)
    return np.array(chosen, dtype=np.int64)
