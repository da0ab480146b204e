"""Mining of positives and negatives: draws from the queue by the current similarity to each query."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from avtool.models.layers.settings import require
from avtool.objectives.temporal.info_nce import EXCLUDED, exclude_unless
from avtool.objectives.temporal.memory_bank import EMPTY, PairedQueue
from avtool.objectives.temporal.views import AUDIO, VIDEO, Views

Combination = Literal["consensus", "union", "video", "audio"]
Noise = Callable[[int, int, torch.device], Tensor]
"""Gives (rows, width) numbers in [0, 1) on a device."""


@dataclass(frozen=True)
class MiningSettings:
    """The draw of positives and negatives.

    Attributes:
        by: similarity of two clips: of their video, of their audio, the minimum of both (consensus), or the
            maximum (union).
        num_positives: positives per query.
        top: nearest slots that positives are drawn from.
        positive_temperature: temperature of that draw; towards 0 it takes the nearest slot.
        num_negatives: negatives per query, without replacement.
        negative_temperature: temperature of that draw; infinity is uniform.
        exclude: share of the queue, the nearest slots of a query, that are never negatives.
    """

    by: Combination = "consensus"
    num_positives: int = 1
    top: int = 5
    positive_temperature: float = 0.1
    num_negatives: int = 1024
    negative_temperature: float = 0.5
    exclude: float = 0.01

    def __post_init__(self) -> None:
        require(
            self.num_positives <= self.top,
            f"{self.num_positives} positives cannot be drawn from the {self.top} nearest",
            "raise --top or lower --k-pos",
        )
        require(
            min(self.positive_temperature, self.negative_temperature) > 0, "temperatures are larger than 0"
        )
        require(0 <= self.exclude < 1, f"the share {self.exclude} of a queue is not in [0, 1)")

    def num_excluded(self, length: int) -> int:
        """The number of nearest slots of a queue of this length that are never negatives."""
        return max(self.top, math.ceil(self.exclude * length))

    def need_room(self, length: int) -> None:
        """Checks that a queue of this length leaves negatives.

        Raises:
            BadInputError: all of its slots are excluded.
        """
        excluded = self.num_excluded(length)
        require(
            length > excluded,
            f"a queue of {length} clips has no negatives beside its {excluded} nearest",
            "lower --top, or give more clips",
        )


class Mined(NamedTuple):
    """Positives and negatives of N queries among K slots.

    Attributes:
        positives: (N, positives), slots.
        found: (N, positives), False where there were too few.
        negatives: (N, K), 0 for the drawn ones, `EXCLUDED` for the others.
    """

    positives: Tensor
    found: Tensor
    negatives: Tensor


@torch.no_grad()
def mine(similarity: Tensor, excluded: Tensor, settings: MiningSettings, noise: Noise) -> Mined:
    """Draws positives and negatives from a queue.

    Args:
        similarity: (N, K) of each query to each slot, finite.
        excluded: (N, K), 0 for what may be drawn, `EXCLUDED` for empty slots and those of the query's video.
        settings: of the draw.
        noise: uniform noise of the draw.
    """
    length = similarity.shape[1]
    num_excluded = settings.num_excluded(length)
    nearest, slots = (similarity + excluded).topk(num_excluded, dim=1)
    chances = nearest[:, : settings.top] / settings.positive_temperature
    places = (chances + gumbel(chances, noise)).topk(settings.num_positives, dim=1).indices
    negatives = excluded.scatter(1, slots, EXCLUDED)
    if settings.num_negatives < length - num_excluded:  # else all of them are drawn
        chances = similarity / settings.negative_temperature + gumbel(similarity, noise) + negatives
        chosen = chances.topk(settings.num_negatives, dim=1, sorted=False).indices
        negatives = torch.minimum(negatives, torch.full_like(negatives, EXCLUDED).scatter_(1, chosen, 0.0))
    return Mined(slots.gather(1, places), nearest.gather(1, places) > EXCLUDED / 2, negatives)


def gumbel(like: Tensor, noise: Noise) -> Tensor:
    """Gumbel noise (N, K): the argmax of log-probabilities + noise is a draw by them (Gumbel, 1954).

    The k largest are k draws without replacement (Yellott, 1977).
    """
    uniform = noise(len(like), like.shape[1], like.device)
    return uniform.log_().neg_().log_().neg_()  # a 0, once in 2²⁴, is never the largest


class SlotScores:
    """Similarity of each clip of a batch to each slot of a queue, for every pair of modalities.

    Args:
        queue: copied, as it changes before gradients are computed.
        views: of the batch.

    Attributes:
        excluded: (2B, K), video by video: 0 for slots of other videos, `EXCLUDED` for the others.
    """

    def __init__(self, queue: PairedQueue, views: Views) -> None:
        self._slots = {name: queue.of(name).clone() for name in (VIDEO, AUDIO)}
        self._views = views
        self._known: dict[tuple[str, str], Tensor] = {}
        allowed = (queue.video_id != EMPTY) & (queue.video_id != views.video_id[:, None])
        self.excluded = exclude_unless(allowed).repeat_interleave(2, dim=0)

    def between(self, query: str, key: str) -> Tensor:
        """(2B, K) of the clips' modality `query`, video by video, to the slots' modality `key`."""
        if (query, key) not in self._known:
            self._known[query, key] = self._views.own[query].flatten(0, 1) @ self._slots[key].T
        return self._known[query, key]


def combine(by_video: Tensor, by_audio: Tensor, views: Views, by: Combination) -> Tensor:
    """One similarity (2B, K) of the two; that of the other modality where a clip lacks one."""
    both = {
        "video": lambda: by_video,
        "audio": lambda: by_audio,
        "consensus": lambda: torch.minimum(by_video, by_audio),
        "union": lambda: torch.maximum(by_video, by_audio),
    }[by]()
    has_video, has_audio = (views.present[name].repeat_interleave(2)[:, None] for name in (VIDEO, AUDIO))
    return torch.where(has_video & has_audio, both, torch.where(has_video, by_video, by_audio))
