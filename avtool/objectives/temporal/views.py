"""Two clips of each video as the contrast sees them: those of this process, and those of all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from avtool.objectives.across_processes import gather, rank, weighted_mean

VIDEO, AUDIO = "video", "audio"


class Direction(NamedTuple):
    """Which clip asks, which one it should find, and whom that one stands among.

    Attributes:
        query: modality and clip (0 or 1) that asks.
        key: modality and clip to be found.
        crowd: clips of the key's modality that stand beside it, of other videos.
    """

    query: tuple[str, int]
    key: tuple[str, int]
    crowd: tuple[int, ...]


def _within(modality: str) -> tuple[Direction, ...]:
    return tuple(Direction((modality, k), (modality, 1 - k), (0, 1)) for k in (0, 1))


DIRECTIONS: dict[str, tuple[Direction, ...]] = {
    "vv": _within(VIDEO),
    "aa": _within(AUDIO),
    "va": tuple(
        Direction((query, k), (key, k), (k,))
        for k in (0, 1)
        for query, key in ((VIDEO, AUDIO), (AUDIO, VIDEO))
    ),
}
"""The directions of each kind of contrast: between a video's two clips, and between sight and sound."""


@dataclass(frozen=True)
class Views:
    """The clips of a batch. Shapes: B videos here, G in all processes, P width; fp32, rows of length 1.

    Attributes:
        own: by modality (B, 2, P).
        everyone: by modality (G, 2, P), with gradients to all processes.
        video_id: (B,), of which film or recording.
        video_ids: (G,).
        index: (B,), of which row of the data.
        indices: (G,).
        present: by modality (B,), whether a row has it.
        presents: by modality (G,).
        offset: place of this process's first row among all.
    """

    own: Mapping[str, Tensor]
    everyone: Mapping[str, Tensor]
    video_id: Tensor
    video_ids: Tensor
    index: Tensor
    indices: Tensor
    present: Mapping[str, Tensor]
    presents: Mapping[str, Tensor]
    offset: int

    @classmethod
    def of(cls, projections: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> "Views":
        """The views of a batch and its projections (B, 2, P) by modality."""
        ids = batch["video_id"]
        everyone = torch.ones_like(ids, dtype=torch.bool)
        present = {name: batch.get(f"{name}_present", everyone) for name in projections}
        return cls(
            own=projections,
            everyone={name: gather(values) for name, values in projections.items()},
            video_id=ids,
            video_ids=gather(ids),
            index=batch["index"],
            indices=gather(batch["index"]),
            present=present,
            presents={name: gather(mask) for name, mask in present.items()},
            offset=rank() * len(ids),
        )

    def query(self, direction: Direction) -> Tensor:
        """(B, P) that ask."""
        modality, clip = direction.query
        return self.own[modality][:, clip]

    def key(self, direction: Direction) -> Tensor:
        """(B, P) to be found."""
        modality, clip = direction.key
        return self.everyone[modality][self.offset : self.offset + len(self.video_id), clip]

    def crowd(self, direction: Direction) -> Tensor:
        """(G · clips, P) among which they stand, the keys themselves included."""
        return self.everyone[direction.key[0]][:, list(direction.crowd)].flatten(0, 1)

    def strangers(self, direction: Direction) -> Tensor:
        """(B, G · clips), True where the crowd is of another video and has the modality."""
        other = self.video_id[:, None] != self.video_ids
        return (other & self.presents[direction.key[0]]).repeat_interleave(len(direction.crowd), dim=1)

    def asking(self, direction: Direction) -> Tensor:
        """(B,), True where a row has both query and key."""
        return self.present[direction.query[0]] & self.present[direction.key[0]]


def over_directions(
    pairs: Sequence[str], views: Views, losses: Callable[[Direction], Tensor]
) -> dict[str, Tensor]:
    """The mean loss of each kind of contrast as `contrast_<pair>`, over its directions and the rows that ask.

    Args:
        pairs: keys of `DIRECTIONS`.
        views: of the batch.
        losses: gives a direction's (B,) losses.
    """
    terms = {}
    for pair in pairs:
        means = [weighted_mean(losses(d), views.asking(d)) for d in DIRECTIONS[pair]]
        terms[f"contrast_{pair}"] = torch.stack(means).mean()
    return terms
