"""METEOR's formula: from counts of matched words to a score."""

from typing import Final

import numpy as np

from avtool.core.arrays import Floats

ALPHA, BETA, GAMMA, DELTA = 0.85, 0.20, 0.60, 0.75
MODULE_WEIGHTS: Final = (1.0, 0.6, 0.8, 0.6)
"""Of exact, stem, synonym and paraphrase matches."""
NUM_COUNTS = 23
"""Counts of a pair: words and function words (each of the hypothesis, then of the reference), for each module
matched content words and function words (likewise), chunks, and matched words of both sides."""
_CHUNKS, _MATCHED = 20, slice(21, 23)


def pair_scores(counts: Floats) -> Floats:
    """METEOR of each row.

    Args:
        counts: (..., 23) as `NUM_COUNTS` has them.

    Returns:
        (...) scores between 0 and 1; 0 where nothing matches.
    """
    words, function_words = counts[..., 0:2], counts[..., 2:4]
    lengths = DELTA * (words - function_words) + (1 - DELTA) * function_words
    matched = np.zeros_like(lengths)
    for first, share in ((4, DELTA), (6, 1 - DELTA)):
        for module, weight in enumerate(MODULE_WEIGHTS):
            place = first + 4 * module
            matched += counts[..., place : place + 2] * weight * share
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = np.moveaxis(matched / lengths, -1, 0)
        mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall)
        fragmentation = counts[..., _CHUNKS] / (counts[..., _MATCHED].sum(axis=-1) / 2)
        fragmentation = np.where(_in_one_chunk(counts), 0.0, fragmentation)
        scores = mean * (1 - GAMMA * fragmentation**BETA)
    return np.asarray(np.maximum(np.nan_to_num(scores, nan=0.0), 0.0))


def corpus_counts(counts: Floats) -> Floats:
    """The counts of pairs as they enter those of a corpus: pairs that match wholly add no chunk.

    Args:
        counts: (pairs, 23).
    """
    entered = counts.copy()
    entered[_in_one_chunk(counts), _CHUNKS] = 0
    return entered


def corpus_score(counts: Floats) -> float:
    """METEOR of a set of pairs: the formula on summed counts, not the mean of the pairs' scores.

    Args:
        counts: (pairs, 23).
    """
    return float(pair_scores(corpus_counts(counts).sum(axis=0)))


def _in_one_chunk(counts: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    whole = (counts[..., _MATCHED] == counts[..., 0:2]).all(axis=-1)
    return np.asarray(whole & (counts[..., _CHUNKS] == 1))
