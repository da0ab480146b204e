"""Captions of proposals: greedy and beam search with cached keys, free or within a phrasebook.

Shapes: N proposals, K beams, L tokens, V words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avtool.data.vocabulary import BEGIN, END, PAD, Phrasebook
from avtool.models.masked_transformer.layers import Decoder, DecoderCache


@dataclass(frozen=True)
class Sentences:
    """The best sentence of each proposal.

    Attributes:
        tokens: (N, L) without the begin; padding follows the end.
        scores: (N,) mean logarithm of the probability of a word, the end among them.
    """

    tokens: Tensor
    scores: Tensor


@torch.no_grad()
def write_sentences(
    decoder: Decoder,
    caches: Sequence[DecoderCache],
    most: int,
    *,
    beams: int = 1,
    phrasebook: Phrasebook | None = None,
) -> Sentences:
    """Writes a sentence for each proposal; stops when all have ended.

    Args:
        decoder: in evaluation mode.
        caches: of its layers: what it attends to, N rows.
        most: words of a sentence at most, the end among them.
        beams: sentences that are kept beside each other; 1 is greedy.
        phrasebook: what may be written; None for anything.
    """
    search = _Search(decoder, caches, beams, phrasebook)
    for place in range(most):
        search.step(place)
        if search.ended.all():
            break
    return search.best()


class _Search:
    """N sentences while they are written, K beams of each; their rows stand one after the other."""

    def __init__(
        self, decoder: Decoder, caches: Sequence[DecoderCache], beams: int, phrasebook: Phrasebook | None
    ) -> None:
        self.decoder, self.caches = decoder, caches
        self.beams, self.phrasebook = beams, phrasebook
        self.count = len(caches[0].context[0])
        self.device = caches[0].context[0].device
        rows = self.count * beams
        if beams > 1:
            for cache in caches:
                cache.context = tuple(part.repeat_interleave(beams, 0) for part in cache.context)  # type: ignore[assignment]
                if cache.context_mask is not None:
                    cache.context_mask = cache.context_mask.repeat_interleave(beams, 0)
        self.tokens = torch.full((rows, 1), BEGIN, device=self.device)
        self.sums = torch.full((self.count, beams), -torch.inf, device=self.device)
        self.sums[:, 0] = 0.0  # the beams begin alike: one of them is enough
        self.ended = torch.zeros(rows, dtype=torch.bool, device=self.device)
        self.lengths = torch.zeros(rows, device=self.device)
        self.nodes = np.zeros(rows, np.int64)

    def step(self, place: int) -> None:
        """Appends a word to every beam."""
        logits = self.decoder(self.tokens[:, -1:], self.caches, place)[:, -1].float()
        words = self._allowed(logits.log_softmax(-1))
        num_words = words.shape[-1]
        totals = (self.sums.reshape(-1, 1) + words).reshape(self.count, -1)
        self.sums, chosen = totals.topk(self.beams, dim=1)
        first = torch.arange(self.count, device=self.device)[:, None] * self.beams
        rows, token = (first + chosen // num_words).flatten(), (chosen % num_words).flatten()
        if self.beams > 1:
            for cache in self.caches:
                cache.reorder(rows)
        if self.phrasebook is not None:
            self.nodes = self.phrasebook.follow(self.nodes[rows.cpu().numpy()], token.cpu().numpy())
        self.tokens = torch.cat([self.tokens[rows], token[:, None]], dim=1)
        self.lengths = self.lengths[rows] + ~self.ended[rows]
        self.ended = self.ended[rows] | (token == END)

    def _allowed(self, words: Tensor) -> Tensor:
        """Log-probabilities (N K, V) of what may follow; ended sentences are padded for nothing."""
        if self.phrasebook is not None:
            allowed = torch.full_like(words, -torch.inf)
            rows, tokens = map(torch.from_numpy, self.phrasebook.allowed(self.nodes))
            allowed[rows, tokens] = 0.0
            words = words + allowed
        ended = torch.full_like(words[0], -torch.inf)
        ended[PAD] = 0.0
        return torch.where(self.ended[:, None], ended, words)

    def best(self) -> Sentences:
        """The beam of the largest mean log-probability."""
        lengths = self.lengths.reshape(self.count, self.beams).clamp_min(1)
        scores, beam = (self.sums / lengths).max(dim=1)
        rows = torch.arange(self.count, device=self.device) * self.beams + beam
        return Sentences(self.tokens[rows, 1:], scores)
