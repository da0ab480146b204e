"""Votes of a query's windows for the clips of their nearest neighbours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avtool.core.arrays import Floats, Ints
from avtool.evaluation.metrics.ranks import ranks_of
from avtool.evaluation.metrics.retrieval import cosine_similarity

NEIGHBOURS = 10


@dataclass(frozen=True)
class WindowFeatures:
    """Features of the windows of clips.

    Attributes:
        values: (windows, D).
        owners: (windows,) the number of each window's clip.
    """

    values: NDArray[np.float32] | Floats
    owners: Ints


def vote(
    queries: WindowFeatures, database: WindowFeatures, num_clips: int, neighbours: int = NEIGHBOURS
) -> Floats:
    """The votes that clips get: each window of a query gives its nearest windows' clips their similarity.

    Args:
        queries: windows of distorted clips.
        database: windows of whole clips.
        num_clips: N; queries and clips of the database have the same numbers.
        neighbours: of each window.

    Returns:
        (N, N) row a query; negative similarities count as none.
    """
    votes = np.zeros((num_clips, num_clips))
    similarity = cosine_similarity(queries.values, database.values)
    count = min(neighbours, similarity.shape[1])
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
    weights = np.maximum(np.take_along_axis(similarity, nearest, axis=1), 0)
    np.add.at(votes, (queries.owners[:, None], database.owners[nearest]), weights)
    return votes


def ranks_of_votes(votes: Floats, queried: Ints) -> Ints:
    """The rank of each query's own clip; a clip without a vote is not found, and ranks behind all.

    Args:
        votes: (N, N).
        queried: the clips whose copies are queries.

    Returns:
        (queries,) ranks from 1; N + 1 for what is not found.
    """
    rows = votes[queried]
    ranks = ranks_of(rows, queried)
    missed = rows[np.arange(len(queried)), queried] <= 0
    ranks[missed] = len(votes) + 1
    return ranks
