"""Contrasts of other published systems, over the same clips: instance discrimination, and transformations."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from avtool.objectives.across_processes import gather, weighted_mean
from avtool.objectives.shared_noise import SharedNoise
from avtool.objectives.temporal.info_nce import contrast, log_crowd, shut_unless
from avtool.objectives.temporal.memories import EMPTY, InstanceBank
from avtool.objectives.temporal.views import AUDIO, VIDEO, Direction, Views, over_directions

_MODALITIES = (VIDEO, AUDIO)


class InstanceDiscrimination(nn.Module):
    """Tells a row of the data from noise (AVID: Morgado, Vasconcelos, Misra, CVPR 2021).

    Each clip meets the slow memory of its own row and those of others, drawn at random. The sum of a softmax
    over all rows is held at what the first batch would have it be. Unlike in the published code no slot is
    random: rows that have not come by yet are no noise.

    Args:
        pairs: keys of `DIRECTIONS`; the paper's is `va` alone.
        temperature: τ.
        bank: the memory.
        num_negatives: rows of noise for each clip.
        noise: what they are drawn by.
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
        """The loss `contrast_<pair>` of each pair, and `bank_fill`."""
        if self.training:
            self.bank.meet(views)
        terms = over_directions(self.pairs, views, lambda d: self._losses(views, d))
        if self.training:
            self.bank.follow(views)
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
        mean = gather(weighted_mean(scores.exp(), counted)[None]).mean()  # the level is one for all processes
        if self.training:
            self.mean_score[place] = torch.where(self.mean_score[place] > 0, self.mean_score[place], mean)
        return self.mean_score[place].clone().clamp(min=torch.finfo(mean.dtype).tiny).log()


class Marks(NamedTuple):
    """What a clip is recognised by, (N,) each.

    Attributes:
        row: its place in the batch of all processes.
        video_id: its film.
        clip: 0 or 1, the first or the second of the row.
        direction: forward or backward.
        present: whether there is one.
    """

    row: Tensor
    video_id: Tensor
    clip: Tensor
    direction: Tensor
    present: Tensor


class TransformContrast(nn.Module):
    """Generalised data transformations (GDT: Patrick et al., ICCV 2021).

    Sight finds sound, and sound sight, of the same video under the same transformation; the same video under
    another one is a negative where the transformation is to be told, and a positive where it is not.

    Args:
        temperature: τ.
        tell_shift: whether another time of the same video is a negative.
        tell_reversal: whether the other direction is. Clips whose sight and sound play in different
            directions then have no counterpart, and wait.
    """

    def __init__(self, temperature: float, *, tell_shift: bool = True, tell_reversal: bool = True) -> None:
        super().__init__()
        self.temperature = temperature
        self.tell_shift = tell_shift
        self.tell_reversal = tell_reversal

    def forward(self, views: Views, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The loss `contrast_va`."""
        sight, sound = (_marks(views, batch[f"{name}_direction"], name) for name in _MODALITIES)
        towards_sound = self._loss(views, (VIDEO, sight), (AUDIO, sound))
        return {"contrast_va": (towards_sound + self._loss(views, (AUDIO, sound), (VIDEO, sight))) / 2}

    def _loss(self, views: Views, query: tuple[str, Marks], key: tuple[str, Marks]) -> Tensor:
        first = 2 * views.offset
        here = slice(first, first + 2 * len(views.video_id))
        asks, keys = Marks(*(mark[here, None] for mark in query[1])), key[1]
        same = (asks.row == keys.row) & keys.present & asks.present
        counterpart = same
        if self.tell_shift:
            counterpart = counterpart & (asks.clip == keys.clip)
        if self.tell_reversal:
            counterpart = counterpart & (asks.direction == keys.direction)
        stranger = (asks.video_id != keys.video_id) & keys.present
        products = views.own[query[0]].flatten(0, 1) @ views.everyone[key[0]].flatten(0, 1).T
        scores = products / self.temperature
        crowd = log_crowd(scores, shut_unless(stranger | (same & ~counterpart)))
        count = counterpart.sum(dim=1)
        losses = (contrast(scores, crowd) * counterpart).sum(dim=1) / count.clamp(min=1)
        return weighted_mean(losses, count > 0)


def _marks(views: Views, direction: Tensor, modality: str) -> Marks:
    """The marks of both clips of all rows, one after the other."""
    num_rows = len(views.video_ids)
    row = torch.arange(num_rows, device=direction.device)
    twice = (row, views.video_ids, views.presents[modality])
    row, ids, present = (mark.repeat_interleave(2) for mark in twice)
    clip = torch.arange(2, device=direction.device).repeat(num_rows)
    return Marks(row, ids, clip, gather(direction).flatten(), present)
