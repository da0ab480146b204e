"""Memory banks: projections of past clips, video and audio of a clip in the same slot."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from avtool.core.errors import BadInputError
from avtool.objectives.distributed import all_gather, world_size
from avtool.objectives.temporal.views import AUDIO, VIDEO, Views

EMPTY = -1
"""The video id of an empty slot."""


class MemoryBank(nn.Module):
    """Projections of past clips, the same in every process.

    The tensors are buffers, and so part of a checkpoint.

    Args:
        length: slots K.
        dim: width P.

    Attributes:
        video: (K, P).
        audio: (K, P).
        video_id: (K,), or `EMPTY`.
    """

    video: Tensor
    audio: Tensor
    video_id: Tensor

    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        self.length = length
        self.register_buffer("video", torch.zeros(length, dim))
        self.register_buffer("audio", torch.zeros(length, dim))
        self.register_buffer("video_id", torch.full((length,), EMPTY))

    def of(self, modality: str) -> Tensor:
        """The slots' projections (K, P) of a modality."""
        return self.video if modality == VIDEO else self.audio

    @property
    def fill(self) -> Tensor:
        """The share of slots in use, a scalar in [0, 1]."""
        return (self.video_id != EMPTY).float().mean()

    def check_same_everywhere(self) -> None:
        """Asserts that every process holds the same slots."""
        if world_size() > 1:
            sums = torch.stack([self.video.sum(), self.audio.sum(), self.video_id.sum().float()])
            everywhere = all_gather(sums[None])
            assert bool((everywhere == everywhere[0]).all()), "every process holds the same memory bank"


class PairedQueue(MemoryBank):
    """A first-in, first-out queue of clips.

    Args:
        length: slots K.
        dim: width P.

    Attributes:
        next_slot: slot of the next clip.
    """

    next_slot: Tensor

    def __init__(self, length: int, dim: int) -> None:
        super().__init__(length, dim)
        self.register_buffer("next_slot", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def push(self, views: Views) -> None:
        """Replaces the oldest slots by the first clip of every video of all processes.

        A clip that lacks a modality leaves its slot empty.
        """
        whole = views.presents[VIDEO] & views.presents[AUDIO]
        ids = torch.where(whole, views.video_ids, EMPTY)[-self.length :]
        slots = (self.next_slot + torch.arange(len(ids), device=ids.device)) % self.length
        for name in (VIDEO, AUDIO):
            self.of(name)[slots] = views.gathered[name][-self.length :, 0].to(self.video.dtype)
        self.video_id[slots] = ids
        self.next_slot.add_(len(ids)).remainder_(self.length)


class InstanceBank(MemoryBank):
    """A slot for each row of the dataset, a moving average of its projections.

    Args:
        length: rows of the dataset.
        dim: width P.
        momentum: decay of a slot at each update.
    """

    def __init__(self, length: int, dim: int, momentum: float = 0.5) -> None:
        super().__init__(length, dim)
        self.momentum = momentum

    @torch.no_grad()
    def initialize(self, views: Views) -> None:
        """Fills the slots of rows that occur for the first time."""
        whole = views.presents[VIDEO] & views.presents[AUDIO]
        new = whole & (self.video_id[views.indices] == EMPTY)
        slots = views.indices[new]
        for name in (VIDEO, AUDIO):
            self.of(name)[slots] = views.gathered[name][new, 0]
        self.video_id[slots] = views.video_ids[new]

    @torch.no_grad()
    def update(self, views: Views) -> None:
        """Moves the slots of the batch's rows towards their current projections."""
        for name in (VIDEO, AUDIO):
            memory = self.of(name)
            moved = torch.lerp(views.gathered[name][:, 0], memory[views.indices], self.momentum)
            known = (self.video_id[views.indices] != EMPTY)[:, None]
            memory[views.indices] = torch.where(known, normalize(moved, dim=1), memory[views.indices])


def queue_length(num_clips: int, batch: int, wanted: int = 16384) -> int:
    """The number of slots for a dataset: at most 4/5 of its clips, so that few are of the previous epoch.

    Args:
        num_clips: clips of the dataset.
        batch: clips of a step, of all processes; the length is a multiple of it.
        wanted: maximum length.

    Raises:
        BadInputError: the queue would hold no more than a batch.
    """
    length = min(wanted, 4 * num_clips // 5) // batch * batch
    if length <= batch:
        raise BadInputError(
            f"a queue for {num_clips} clips, at most {wanted} long, would hold {length}, and must hold more "
            f"than a batch of {batch}",
            "lower --batch-size, give more clips, or take --objective infonce, which needs no queue",
        )
    return length
