"""Positives and negatives that depend on the sample: drawn from the queue by what is similar now."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from avtool.models.layers.settings import require
from avtool.objectives.temporal.info_nce import SHUT, shut_unless
from avtool.objectives.temporal.memories import EMPTY, PairedQueue
from avtool.objectives.temporal.views import AUDIO, VIDEO, Views

Judge = Literal["consensus", "union", "video", "audio"]
Noise = Callable[[int, int, torch.device], Tensor]
"""Gives (rows, width) numbers in [0, 1) on a device."""


@dataclass(frozen=True)
class MiningSettings:
    """How neighbours and negatives are drawn.

    Attributes:
        by: what says how similar two clips are: sight, sound, the less similar of both (consensus), or the
            more similar (union).
        num_positives: drawn for a query.
        top: nearest slots that they are drawn from.
        positive_temperature: of the draw; 0 would be the nearest alone.
        num_negatives: drawn for a query, without replacement.
        negative_temperature: of the draw; infinity is uniform.
        exclude: share of the queue, the nearest to a query, that is no negative.
    """

    by: Judge = "consensus"
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
        """The nearest slots of a queue of so many that are no negatives."""
        return max(self.top, math.ceil(self.exclude * length))

    def need_room(self, length: int) -> None:
        """Refuses a queue in which nothing is left to be a negative.

        Raises:
            BadInputError: its length is no more than what is excluded.
        """
        excluded = self.num_excluded(length)
        require(
            length > excluded,
            f"a queue of {length} clips has no negatives beside its {excluded} nearest",
            "lower --top, or give more clips",
        )


class Mined(NamedTuple):
    """What was drawn from K slots for each of N queries.

    Attributes:
        positives: (N, positives), slots.
        found: (N, positives), False where there were too few.
        negatives: (N, K), 0 for those that were drawn, `SHUT` for the others.
    """

    positives: Tensor
    found: Tensor
    negatives: Tensor


@torch.no_grad()
def mine(similarity: Tensor, shut: Tensor, settings: MiningSettings, noise: Noise) -> Mined:
    """Draws from a queue.

    Args:
        similarity: (N, K) of each query to each slot, finite.
        shut: (N, K), 0 for what may be drawn, `SHUT` where a slot is empty or of the query's own video.
        settings: how.
        noise: what decides.
    """
    length = similarity.shape[1]
    excluded = settings.num_excluded(length)
    nearest, slots = (similarity + shut).topk(excluded, dim=1)
    chances = nearest[:, : settings.top] / settings.positive_temperature
    places = (chances + gumbel(chances, noise)).topk(settings.num_positives, dim=1).indices
    negatives = shut.scatter(1, slots, SHUT)
    if settings.num_negatives < length - excluded:  # else all of them are drawn
        chances = similarity / settings.negative_temperature + gumbel(similarity, noise) + negatives
        chosen = chances.topk(settings.num_negatives, dim=1, sorted=False).indices
        negatives = torch.minimum(negatives, torch.full_like(negatives, SHUT).scatter_(1, chosen, 0.0))
    return Mined(slots.gather(1, places), nearest.gather(1, places) > SHUT / 2, negatives)


def gumbel(like: Tensor, noise: Noise) -> Tensor:
    """(N, K) numbers that make the largest of log-chances + noise a draw by these chances (Gumbel, 1954).

    The largest k are k draws without replacement (Yellott, 1977).
    """
    uniform = noise(len(like), like.shape[1], like.device)
    return uniform.log_().neg_().log_().neg_()  # a 0, once in 2²⁴, is never the largest


class SlotScores:
    """How similar each clip of a batch is to each slot of a queue, by every pair of modalities.

    Args:
        queue: as it is now: it may move on before gradients are computed.
        views: of the batch.

    Attributes:
        shut: (2B, K), video by video: 0 for slots that hold a clip of another video, `SHUT` for the others.
    """

    def __init__(self, queue: PairedQueue, views: Views) -> None:
        self._slots = {name: queue.of(name).clone() for name in (VIDEO, AUDIO)}
        self._views = views
        self._known: dict[tuple[str, str], Tensor] = {}
        allowed = (queue.video_id != EMPTY) & (queue.video_id != views.video_id[:, None])
        self.shut = shut_unless(allowed).repeat_interleave(2, dim=0)

    def between(self, query: str, key: str) -> Tensor:
        """(2B, K) of the clips' modality `query`, video by video, to the slots' modality `key`."""
        if (query, key) not in self._known:
            self._known[query, key] = self._views.own[query].flatten(0, 1) @ self._slots[key].T
        return self._known[query, key]


def judge(seen: Tensor, heard: Tensor, views: Views, by: Judge) -> Tensor:
    """One similarity (2B, K) of the two; a clip that lacks a modality is judged by the other."""
    both = {
        "video": lambda: seen,
        "audio": lambda: heard,
        "consensus": lambda: torch.minimum(seen, heard),
        "union": lambda: torch.maximum(seen, heard),
    }[by]()
    has_video, has_audio = (views.present[name].repeat_interleave(2)[:, None] for name in (VIDEO, AUDIO))
    return torch.where(has_video & has_audio, both, torch.where(has_video, seen, heard))
