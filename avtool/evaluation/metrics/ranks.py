"""Ranks of the target among scores, with one rule for ties.

Rank = 1 + the number of higher scores + the number of equal scores at a lower index. It counts each tie once
and needs no luck: a model that scores everything alike is right about the first class and no other.
"""

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Floats, Ints, as_indices, as_scores

_CHUNK = 1 << 22
"""Scores at a time where they are made on the fly: 32 MiB."""


def ranks_of(scores: ArrayLike, target: ArrayLike) -> Ints:
    """The rank of each row's target, from 1.

    Args:
        scores: (N, C).
        target: (N,) indices of columns.
    """
    array = as_scores(scores)
    index = as_indices(target, array.shape[1])
    assert len(index) == len(array), f"{len(array)} rows of scores, {len(index)} targets"
    own = np.take_along_axis(array, index[:, None], axis=1)
    before = (array == own) & (np.arange(array.shape[1]) < index[:, None])
    ranks: Ints = 1 + ((array > own) | before).sum(axis=1)
    return ranks


def pair_ranks(
    first: ArrayLike, second: ArrayLike, first_target: ArrayLike, second_target: ArrayLike
) -> Ints:
    """The rank of each row's pair of targets among all pairs, ordered by the sum of their scores.

    With logarithms of probabilities the sum ranks as the product of the probabilities does.

    Args:
        first: (N, A) scores.
        second: (N, B) scores.
        first_target: (N,) indices below A.
        second_target: (N,) indices below B.
    """
    one, two = as_scores(first), as_scores(second)
    target = as_indices(first_target, one.shape[1]) * two.shape[1] + as_indices(second_target, two.shape[1])
    rows = max(1, _CHUNK // (one.shape[1] * two.shape[1]))
    parts = [
        ranks_of(
            (one[start : start + rows, :, None] + two[start : start + rows, None, :]).reshape(
                len(one[start : start + rows]), -1
            ),
            target[start : start + rows],
        )
        for start in range(0, len(one), rows)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def share_within(ranks: Ints, k: int) -> float:
    """The share of ranks (N,), from 1, that are at most k: top-k accuracy, or recall at k; NaN of none."""
    return float((ranks <= k).mean()) if len(ranks) else float("nan")


def log_softmax(logits: ArrayLike) -> Floats:
    """(N, C) logits → logarithms of probabilities."""
    array = as_scores(logits)
    shifted = array - array.max(axis=1, keepdims=True)
    normalised: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised
