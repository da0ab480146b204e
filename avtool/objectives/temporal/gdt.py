"""GDT, contrast under generalised data transformations (Patrick et al., ICCV 2021)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from avtool.objectives.distributed import all_gather, weighted_mean
from avtool.objectives.temporal.info_nce import contrast, exclude_unless, log_negatives
from avtool.objectives.temporal.views import AUDIO, VIDEO, Views


class Marks(NamedTuple):
    """The identity of N clips, (N,) each.

    Attributes:
        row: index in the batch of all processes.
        video_id: the film or recording.
        clip: 0 or 1, the first or the second of the row.
        direction: forward or backward playback.
        present: whether the row has the modality.
    """

    row: Tensor
    video_id: Tensor
    clip: Tensor
    direction: Tensor
    present: Tensor


class TransformContrast(nn.Module):
    """InfoNCE between video and audio of the same video under the same transformation.

    The same video under another transformation is a negative where the features shall be distinctive to the
    transformation, and a positive where they shall be invariant.

    Args:
        temperature: τ.
        distinct_shift: whether another time of the same video is a negative.
        distinct_reversal: whether the other direction is. Clips whose video and audio play in different
            directions then have no positive, and no loss.
    """

    def __init__(
        self, temperature: float, *, distinct_shift: bool = True, distinct_reversal: bool = True
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.distinct_shift = distinct_shift
        self.distinct_reversal = distinct_reversal

    def forward(self, views: Views, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The loss `contrast_va`, a scalar, of views and their directions (B, 2) in the batch."""
        video = VIDEO, _marks(views, batch["video_direction"], VIDEO)
        audio = AUDIO, _marks(views, batch["audio_direction"], AUDIO)
        return {"contrast_va": (self._loss(views, video, audio) + self._loss(views, audio, video)) / 2}

    def _loss(self, views: Views, query: tuple[str, Marks], key: tuple[str, Marks]) -> Tensor:
        first = 2 * views.offset
        here = slice(first, first + 2 * len(views.video_id))
        queries, keys = Marks(*(mark[here, None] for mark in query[1])), key[1]
        same = (queries.row == keys.row) & keys.present & queries.present
        positive = same
        if self.distinct_shift:
            positive = positive & (queries.clip == keys.clip)
        if self.distinct_reversal:
            positive = positive & (queries.direction == keys.direction)
        other_video = (queries.video_id != keys.video_id) & keys.present
        products = views.own[query[0]].flatten(0, 1) @ views.gathered[key[0]].flatten(0, 1).T
        scores = products / self.temperature
        negatives = log_negatives(scores, exclude_unless(other_video | (same & ~positive)))
        count = positive.sum(dim=1)
        losses = (contrast(scores, negatives) * positive).sum(dim=1) / count.clamp(min=1)
        return weighted_mean(losses, count > 0)


def _marks(views: Views, direction: Tensor, modality: str) -> Marks:
    """The marks of both clips of all rows, one after the other."""
    num_rows = len(views.video_ids)
    row = torch.arange(num_rows, device=direction.device)
    twice = (row, views.video_ids, views.presents[modality])
    row, ids, present = (mark.repeat_interleave(2) for mark in twice)
    clip = torch.arange(2, device=direction.device).repeat(num_rows)
    return Marks(row, ids, clip, all_gather(direction).flatten(), present)
