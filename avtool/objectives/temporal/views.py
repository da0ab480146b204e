"""Views: the projections of two clips of each video, of this process and of all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from avtool.objectives.distributed import all_gather, rank, weighted_mean

VIDEO, AUDIO = "video", "audio"


class Direction(NamedTuple):
    """A direction of contrast: the query, its positive, and the candidates for negatives.

    Attributes:
        query: modality and clip (0 or 1).
        key: modality and clip of the positive.
        candidates: clips of the key's modality whose other videos are negatives.
    """

    query: tuple[str, int]
    key: tuple[str, int]
    candidates: tuple[int, ...]


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
"""The directions of each kind of contrast: within a modality, and between video and audio."""


@dataclass(frozen=True)
class Views:
    """The clips of a batch. Shapes: B videos here, G in all processes, P width; fp32, unit length.

    Attributes:
        own: by modality (B, 2, P).
        gathered: by modality (G, 2, P), with gradients to all processes.
        video_id: (B,), the film or recording.
        video_ids: (G,).
        index: (B,), the row of the dataset.
        indices: (G,).
        present: by modality (B,), True where a row has it.
        presents: by modality (G,).
        offset: index of this process's first row in the whole batch.
    """

    own: Mapping[str, Tensor]
    gathered: Mapping[str, Tensor]
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
        all_rows = torch.ones_like(ids, dtype=torch.bool)
        present = {name: batch.get(f"{name}_present", all_rows) for name in projections}
        return cls(
            own=projections,
            gathered={name: all_gather(values) for name, values in projections.items()},
            video_id=ids,
            video_ids=all_gather(ids),
            index=batch["index"],
            indices=all_gather(batch["index"]),
            present=present,
            presents={name: all_gather(mask) for name, mask in present.items()},
            offset=rank() * len(ids),
        )

    def query(self, direction: Direction) -> Tensor:
        """The queries (B, P)."""
        modality, clip = direction.query
        return self.own[modality][:, clip]

    def key(self, direction: Direction) -> Tensor:
        """The positives (B, P)."""
        modality, clip = direction.key
        return self.gathered[modality][self.offset : self.offset + len(self.video_id), clip]

    def candidates(self, direction: Direction) -> Tensor:
        """(G · clips, P), the positives included."""
        return self.gathered[direction.key[0]][:, list(direction.candidates)].flatten(0, 1)

    def is_negative(self, direction: Direction) -> Tensor:
        """(B, G · clips), True for candidates of another video that have the modality."""
        other = self.video_id[:, None] != self.video_ids
        return (other & self.presents[direction.key[0]]).repeat_interleave(len(direction.candidates), dim=1)

    def has_both(self, direction: Direction) -> Tensor:
        """(B,), True where a row has both query and positive."""
        return self.present[direction.query[0]] & self.present[direction.key[0]]


def over_directions(
    pairs: Sequence[str], views: Views, losses: Callable[[Direction], Tensor]
) -> dict[str, Tensor]:
    """The mean loss `contrast_<pair>` of each kind of contrast, over its directions and complete rows.

    Args:
        pairs: keys of `DIRECTIONS`.
        views: of the batch.
        losses: gives a direction's (B,) losses.
    """
    terms = {}
    for pair in pairs:
        means = [weighted_mean(losses(d), views.has_both(d)) for d in DIRECTIONS[pair]]
        terms[f"contrast_{pair}"] = torch.stack(means).mean()
    return terms
