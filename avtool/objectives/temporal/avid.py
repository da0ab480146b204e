"""AVID, audio-visual instance discrimination (Morgado, Vasconcelos, Misra: CVPR 2021)."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from avtool.objectives.distributed import all_gather, weighted_mean
from avtool.objectives.shared_noise import SharedNoise
from avtool.objectives.temporal.memory_bank import EMPTY, InstanceBank
from avtool.objectives.temporal.views import AUDIO, VIDEO, Direction, Views, over_directions

_MODALITIES = (VIDEO, AUDIO)


class InstanceDiscrimination(nn.Module):
    """Noise-contrastive instance discrimination against a memory bank.

    Each clip is compared with its own slot and with those of random other rows. The normaliser of the softmax
    over all rows is fixed at its estimate on the first batch. Unlike in the published code no slot is random:
    rows that have not occurred yet are no negatives.

    Args:
        pairs: keys of `DIRECTIONS`; the paper's is `va` alone.
        temperature: τ.
        bank: a slot for each row of the dataset.
        num_negatives: negatives per clip.
        noise: uniform noise of their draw.
    """

    mean_score: Tensor

    def __init__(
        self,
        pairs: tuple[str, ...],
        temperature: float,
        bank: InstanceBank,
        num_negatives: int = 1024,
        noise: SharedNoise | None = None,
    ) -> None:
        super().__init__()
        self.pairs = pairs
        self.temperature = temperature
        self.bank = bank
        self.num_negatives = num_negatives
        self.noise = noise or SharedNoise()
        self.register_buffer("mean_score", torch.zeros(2, 2))

    def forward(self, views: Views, _batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Scalars: the loss `contrast_<pair>` of each pair, and `bank_fill`."""
        if self.training:
            self.bank.initialize(views)
        terms = over_directions(self.pairs, views, lambda d: self._losses(views, d))
        if self.training:
            self.bank.update(views)
        return {**terms, "bank_fill": self.bank.fill}

    def _losses(self, views: Views, direction: Direction) -> Tensor:
        query, memory = views.query(direction), self.bank.of(direction.key[0])
        known = self.bank.video_id[views.index] != EMPTY
        places = self.noise(len(query), self.num_negatives, query.device) * self.bank.length
        drawn = places.long().clamp(max=self.bank.length - 1)  # a product may be rounded up
        ids = self.bank.video_id[drawn]
        noise = (ids != EMPTY) & (ids != views.video_id[:, None])
        own = (query * memory[views.index]).sum(dim=1) / self.temperature
        others = torch.einsum("bp,bkp->bk", query, memory[drawn]) / self.temperature
        scores, counted = torch.cat([own[:, None], others], dim=1), torch.cat([known[:, None], noise], dim=1)
        level = math.log(self.num_negatives) + self._log_mean(direction, scores.detach(), counted)
        return softplus(level - own) * known + (softplus(others - level) * noise).sum(dim=1)

    def _log_mean(self, direction: Direction, scores: Tensor, counted: Tensor) -> Tensor:
        place = _MODALITIES.index(direction.query[0]), _MODALITIES.index(direction.key[0])
        mean = weighted_mean(scores.exp(), counted)
        mean = all_gather(mean[None]).mean()  # one normaliser for all processes
        if self.training:
            self.mean_score[place] = torch.where(self.mean_score[place] > 0, self.mean_score[place], mean)
        return self.mean_score[place].clone().clamp(min=torch.finfo(mean.dtype).tiny).log()
