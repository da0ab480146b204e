"""BLEU, ROUGE-L and CIDEr of tokenised captions, by `pycocoevalcap`, counted once a pair."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np

from avtool.core.arrays import Floats
from avtool.core.requirements import require

_TINY: Final = 1e-15
_SMALL: Final = 1e-9
BLEU_COUNTS: Final = 10
"""Words of hypothesis and reference; n-grams (1 … 4) of the hypothesis; those of them in the reference."""


def bleu_counts(pairs: Sequence[tuple[str, str]]) -> Floats:
    """The counts of each pair (hypothesis, reference): (pairs, 10), as `BLEU_COUNTS` has them."""
    scorer = require("pycocoevalcap.bleu.bleu_scorer", "meteor")
    cooked_reference = cache(lambda text: scorer.cook_refs([text]))
    rows = []
    for hypothesis, reference in pairs:
        cooked = scorer.cook_test(hypothesis, cooked_reference(reference))
        rows.append([cooked["testlen"], cooked["reflen"][0], *cooked["guess"], *cooked["correct"]])
    return np.array(rows, dtype=np.float64).reshape(-1, BLEU_COUNTS)


def bleu(counts: Floats) -> Floats:
    """Corpus-level BLEU-1 … BLEU-4.

    Args:
        counts: (..., 10) summed over the pairs of a corpus.

    Returns:
        (..., 4).
    """
    ratios = (counts[..., 6:10] + _TINY) / (counts[..., 2:6] + _SMALL)
    means = np.cumprod(ratios, axis=-1) ** (1 / np.arange(1, 5))
    ratio = (counts[..., 0:1] + _TINY) / (counts[..., 1:2] + _SMALL)
    penalty = np.exp(1 - 1 / np.minimum(ratio, 1.0))
    return np.asarray(means * penalty)


def rouge_l(pairs: Sequence[tuple[str, str]]) -> Floats:
    """ROUGE-L of each pair (hypothesis, reference), F with beta 1.2: (pairs,)."""
    scorer = require("pycocoevalcap.rouge.rouge", "meteor").Rouge()
    return np.array([scorer.calc_score([hypothesis], [reference]) for hypothesis, reference in pairs])


class Cider:
    """CIDEr-D of corpora whose sentences come again and again."""

    def __init__(self) -> None:
        scorer = require("pycocoevalcap.cider.cider_scorer", "meteor")
        self._new: Any = scorer.CiderScorer
        self._cook = cache(scorer.precook)

    def corpus(self, pairs: Sequence[tuple[str, str]]) -> float:
        """CIDEr of a corpus of pairs (hypothesis, reference); document frequencies are its references'."""
        return float(self.pairs([(hypothesis, [reference]) for hypothesis, reference in pairs]).mean())

    def pairs(self, items: Sequence[tuple[str, Sequence[str]]]) -> Floats:
        """CIDEr of each hypothesis with its references: (items,)."""
        scorer = self._new()
        scorer.ctest = [self._cook(hypothesis) for hypothesis, _ in items]
        scorer.crefs = [[self._cook(reference) for reference in references] for _, references in items]
        if not any(map(any, scorer.crefs)):  # empty references: nothing to weigh
            return np.zeros(len(items))
        return np.asarray(scorer.compute_score()[1], dtype=np.float64)
