"""Contrasts: within the batch (InfoNCE), with mined positives and negatives, and of neighbours (NNCLR)."""

import torch
from torch import Tensor, nn

from avtool.objectives.shared_noise import SharedNoise
from avtool.objectives.temporal.info_nce import (
    EXCLUDED,
    contrast,
    exclude_unless,
    log_negatives,
    multi_positive_contrast,
)
from avtool.objectives.temporal.memory_bank import PairedQueue
from avtool.objectives.temporal.mining import Mined, MiningSettings, SlotScores, combine, mine
from avtool.objectives.temporal.views import AUDIO, DIRECTIONS, VIDEO, Direction, Views, over_directions

Batch = dict[str, Tensor]
Scores = dict[tuple[str, str], tuple[Tensor, Tensor]]
"""By the modalities of query and key."""
_CHECK_EVERY = 1000
"""Batches between comparisons of the processes' queues."""


class InfoNCE(nn.Module):
    """InfoNCE with the other videos of the batch as negatives.

    Args:
        pairs: kinds of contrast: keys of `DIRECTIONS`.
        temperature: τ.
    """

    def __init__(self, pairs: tuple[str, ...], temperature: float) -> None:
        super().__init__()
        self.pairs = pairs
        self.temperature = temperature

    def forward(self, views: Views, _batch: Batch) -> dict[str, Tensor]:
        """The loss `contrast_<pair>` of each pair, scalars."""
        return over_directions(self.pairs, views, lambda d: self.losses(views, d, views.query(d)))

    def losses(self, views: Views, direction: Direction, query: Tensor) -> Tensor:
        """(B,) for queries (B, P)."""
        return contrast(
            self.positive(views, direction, query), log_negatives(*self.negatives(views, direction, query))
        )

    def positive(self, views: Views, direction: Direction, query: Tensor) -> Tensor:
        """(B,) scores of the usual positives."""
        return (query * views.key(direction)).sum(dim=1) / self.temperature

    def negatives(self, views: Views, direction: Direction, query: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) scores of the candidates in the batch, and what excludes those that are no negatives."""
        scores = query @ views.candidates(direction).T / self.temperature
        return scores, exclude_unless(views.is_negative(direction))


class QueueContrast(InfoNCE):
    """InfoNCE with a queue of past clips.

    Args:
        pairs: as of `InfoNCE`.
        temperature: τ.
        queue: of past clips.
        mining: how positives and negatives are drawn from it.
        noise: uniform noise of the draws.
    """

    def __init__(
        self,
        pairs: tuple[str, ...],
        temperature: float,
        queue: PairedQueue,
        mining: MiningSettings,
        noise: SharedNoise | None = None,
    ) -> None:
        super().__init__(pairs, temperature)
        mining.need_room(queue.length)
        self.queue = queue
        self.mining = mining
        self.noise = noise or SharedNoise()
        self._batches = 0

    def mine_queue(self, views: Views, scores: SlotScores) -> tuple[Mined, dict[str, Tensor]]:
        """Draws for every clip of the batch, video by video; also the fill and fit of the queue, scalars."""
        by_video, by_audio = (scores.between(name, name).detach() for name in (VIDEO, AUDIO))
        combined = combine(by_video, by_audio, views, self.mining.by)
        mined = mine(combined, scores.excluded, self.mining, self.noise)
        similarity = combined.gather(1, mined.positives) * mined.found
        return mined, {
            "queue_fill": self.queue.fill,
            "neighbour_similarity": similarity.sum() / mined.found.sum().clamp(min=1),
            "neighbour_agreement": _agreement(by_video, by_audio, scores.excluded),
        }

    def push(self, views: Views) -> None:
        """Adds the batch to the queue in training; to be called after all draws."""
        if not self.training:
            return
        self._batches += 1
        self.queue.push(views)
        if self._batches % _CHECK_EVERY == 0:
            self.queue.check_same_everywhere()


def _agreement(by_video: Tensor, by_audio: Tensor, excluded: Tensor) -> Tensor:
    """The share of clips whose nearest slot is the same by video and by audio."""
    similarity, slot = (by_video + excluded).max(dim=1)
    some = similarity > EXCLUDED / 2
    return ((slot == (by_audio + excluded).argmax(dim=1)) & some).sum() / some.sum().clamp(min=1)


class MinedContrast(QueueContrast):
    """InfoNCE with further positives and negatives that are mined for each sample.

    Args:
        pairs: as of `InfoNCE`.
        temperature: τ.
        queue: of past clips.
        mining: how positives and negatives are drawn from it.
        noise: uniform noise of the draws.
        alpha: weight of the mined positives in the loss, after the ramp.
        ramp: batches over which it rises linearly from 0; 0 disables the ramp.
    """

    batches: Tensor

    def __init__(
        self,
        pairs: tuple[str, ...],
        temperature: float,
        queue: PairedQueue,
        mining: MiningSettings,
        noise: SharedNoise | None = None,
        *,
        alpha: float = 0.5,
        ramp: int = 0,
    ) -> None:
        super().__init__(pairs, temperature, queue, mining, noise)
        self.alpha = alpha
        self.ramp = ramp
        self.register_buffer("batches", torch.zeros((), dtype=torch.long))

    def forward(self, views: Views, _batch: Batch) -> dict[str, Tensor]:
        """Scalars: losses, `alpha`, `queue_fill`, `neighbour_similarity` and `neighbour_agreement`."""
        scores = SlotScores(self.queue, views)
        mined, metrics = self.mine_queue(views, scores)
        alpha = self.alpha * (self.batches / self.ramp).clamp(max=1) if self.ramp else self._full_alpha()
        directions = [direction for pair in self.pairs for direction in DIRECTIONS[pair]]
        modalities = dict.fromkeys((direction.query[0], direction.key[0]) for direction in directions)
        drawn = {names: self._score(scores.between(*names), mined) for names in modalities}
        terms = over_directions(
            self.pairs, views, lambda d: self._losses(views, d, drawn, mined.found, alpha)
        )
        self.push(views)
        if self.training:
            self.batches += 1
        return {**terms, **metrics, "alpha": alpha}

    def _full_alpha(self) -> Tensor:
        return torch.full((), self.alpha, device=self.batches.device)

    def _score(self, similarity: Tensor, mined: Mined) -> tuple[Tensor, Tensor]:
        """Scores (2B, positives) of the mined positives, and log Σ e^n (2B,) of the mined negatives."""
        scores = similarity / self.temperature
        return scores.gather(1, mined.positives), log_negatives(scores, mined.negatives)

    def _losses(
        self, views: Views, direction: Direction, drawn: Scores, found: Tensor, alpha: Tensor
    ) -> Tensor:
        (modality, clip), query = direction.query, views.query(direction)
        others, of_queue = (values[clip::2] for values in drawn[modality, direction.key[0]])
        negatives = torch.logaddexp(log_negatives(*self.negatives(views, direction, query)), of_queue)
        positive = self.positive(views, direction, query)
        return multi_positive_contrast(positive, others, found[clip::2], negatives, alpha)


class NeighbourContrast(QueueContrast):
    """InfoNCE with the nearest neighbour as query (NNCLR: Dwibedi et al., ICCV 2021)."""

    def forward(self, views: Views, _batch: Batch) -> dict[str, Tensor]:
        """Scalars: the losses, `queue_fill`, `neighbour_similarity` and `neighbour_agreement`."""
        mined, metrics = self.mine_queue(views, SlotScores(self.queue, views))
        terms = over_directions(
            self.pairs, views, lambda d: self.losses(views, d, self._neighbour(views, d, mined))
        )
        self.push(views)
        return {**terms, **metrics}

    def _neighbour(self, views: Views, direction: Direction, mined: Mined) -> Tensor:
        modality, clip = direction.query
        slots, found = mined.positives[clip::2, 0], mined.found[clip::2, :1]
        return torch.where(found, self.queue.of(modality)[slots], views.query(direction))
