"""Contrasts within the batch; with neighbours and negatives of a queue besides; with neighbours instead."""

import torch
from torch import Tensor, nn

from avtool.objectives.shared_noise import SharedNoise
from avtool.objectives.temporal.info_nce import SHUT, contrast, log_crowd, several_positives, shut_unless
from avtool.objectives.temporal.memories import PairedQueue
from avtool.objectives.temporal.mining import Mined, MiningSettings, SlotScores, judge, mine
from avtool.objectives.temporal.views import AUDIO, DIRECTIONS, VIDEO, Direction, Views, over_directions

Batch = dict[str, Tensor]
Scores = dict[tuple[str, str], tuple[Tensor, Tensor]]
"""By the modalities of query and key."""
_CHECK_EVERY = 1000
"""Batches between comparisons of the processes' queues."""


class InfoNCE(nn.Module):
    """Each clip finds its counterpart among those of the batch.

    Args:
        pairs: what is contrasted: keys of `DIRECTIONS`.
        temperature: τ.
    """

    def __init__(self, pairs: tuple[str, ...], temperature: float) -> None:
        super().__init__()
        self.pairs = pairs
        self.temperature = temperature

    def forward(self, views: Views, _batch: Batch) -> dict[str, Tensor]:
        """The loss `contrast_<pair>` of each pair."""
        return over_directions(self.pairs, views, lambda d: self.losses(views, d, views.query(d)))

    def losses(self, views: Views, direction: Direction, query: Tensor) -> Tensor:
        """(B,) for queries (B, P)."""
        return contrast(
            self.positive(views, direction, query), log_crowd(*self.crowd(views, direction, query))
        )

    def positive(self, views: Views, direction: Direction, query: Tensor) -> Tensor:
        """(B,) scores of the usual positives."""
        return (query * views.key(direction)).sum(dim=1) / self.temperature

    def crowd(self, views: Views, direction: Direction, query: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) scores of the others in the batch, and what shuts out those that do not count."""
        scores = query @ views.crowd(direction).T / self.temperature
        return scores, shut_unless(views.strangers(direction))


class QueueContrast(InfoNCE):
    """A contrast that remembers past clips.

    Args:
        pairs: as of `InfoNCE`.
        temperature: τ.
        queue: the memory.
        mining: how it is drawn from.
        noise: what the draws are decided by.
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

    def look_up(self, views: Views, scores: SlotScores) -> tuple[Mined, dict[str, Tensor]]:
        """Draws for every clip of the batch, video by video, and says how well the neighbours fit."""
        seen, heard = (scores.between(name, name).detach() for name in (VIDEO, AUDIO))
        judged = judge(seen, heard, views, self.mining.by)
        mined = mine(judged, scores.shut, self.mining, self.noise)
        similarity = judged.gather(1, mined.positives) * mined.found
        return mined, {
            "queue_fill": self.queue.fill,
            "neighbour_similarity": similarity.sum() / mined.found.sum().clamp(min=1),
            "neighbour_agreement": _agreement(seen, heard, scores.shut),
        }

    def remember(self, views: Views) -> None:
        """Puts the batch into the queue; to be called after everything was drawn."""
        if not self.training:
            return
        self._batches += 1
        self.queue.push(views)
        if self._batches % _CHECK_EVERY == 0:
            self.queue.check_same_everywhere()


def _agreement(seen: Tensor, heard: Tensor, shut: Tensor) -> Tensor:
    """The share of clips whose nearest slot by sight is the nearest by sound."""
    similarity, slot = (seen + shut).max(dim=1)
    some = similarity > SHUT / 2
    return ((slot == (heard + shut).argmax(dim=1)) & some).sum() / some.sum().clamp(min=1)


class MinedContrast(QueueContrast):
    """InfoNCE with further positives and negatives that are drawn for each sample.

    Args:
        pairs: as of `InfoNCE`.
        temperature: τ.
        queue: the memory.
        mining: how it is drawn from.
        noise: what the draws are decided by.
        alpha: the share of the drawn positives in the loss, once it has risen.
        ramp: batches over which it rises from 0, as neighbours mean nothing at first.
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
        """The losses, and `alpha`, `queue_fill`, `neighbour_similarity` and `neighbour_agreement`."""
        scores = SlotScores(self.queue, views)
        mined, told = self.look_up(views, scores)
        alpha = self.alpha * (self.batches / self.ramp).clamp(max=1) if self.ramp else self._full_alpha()
        directions = [direction for pair in self.pairs for direction in DIRECTIONS[pair]]
        modalities = dict.fromkeys((direction.query[0], direction.key[0]) for direction in directions)
        drawn = {names: self._score(scores.between(*names), mined) for names in modalities}
        terms = over_directions(
            self.pairs, views, lambda d: self._losses(views, d, drawn, mined.found, alpha)
        )
        self.remember(views)
        if self.training:
            self.batches += 1
        return {**terms, **told, "alpha": alpha}

    def _full_alpha(self) -> Tensor:
        return torch.full((), self.alpha, device=self.batches.device)

    def _score(self, similarity: Tensor, mined: Mined) -> tuple[Tensor, Tensor]:
        """(2B, positives), scores of the drawn positives, and (2B,), the part of the drawn negatives."""
        scores = similarity / self.temperature
        return scores.gather(1, mined.positives), log_crowd(scores, mined.negatives)

    def _losses(
        self, views: Views, direction: Direction, drawn: Scores, found: Tensor, alpha: Tensor
    ) -> Tensor:
        (modality, clip), query = direction.query, views.query(direction)
        others, of_queue = (values[clip::2] for values in drawn[modality, direction.key[0]])
        crowd = torch.logaddexp(log_crowd(*self.crowd(views, direction, query)), of_queue)
        return several_positives(self.positive(views, direction, query), others, found[clip::2], crowd, alpha)


class NeighbourContrast(QueueContrast):
    """A clip's neighbour asks in its place (NNCLR: Dwibedi et al., ICCV 2021)."""

    def forward(self, views: Views, _batch: Batch) -> dict[str, Tensor]:
        """The losses, and `queue_fill`, `neighbour_similarity` and `neighbour_agreement`."""
        mined, told = self.look_up(views, SlotScores(self.queue, views))
        terms = over_directions(
            self.pairs, views, lambda d: self.losses(views, d, self._neighbour(views, d, mined))
        )
        self.remember(views)
        return {**terms, **told}

    def _neighbour(self, views: Views, direction: Direction, mined: Mined) -> Tensor:
        modality, clip = direction.query
        slots, found = mined.positives[clip::2, 0], mined.found[clip::2, :1]
        return torch.where(found, self.queue.of(modality)[slots], views.query(direction))
