"""Memories of clips, whose slots hold sight and sound of the same clip."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from avtool.core.errors import BadInputError
from avtool.objectives.across_processes import gather, num_processes
from avtool.objectives.temporal.views import AUDIO, VIDEO, Views

EMPTY = -1
"""The video id of a slot that holds nothing."""


class PairedMemory(nn.Module):
    """The projections of clips seen before; all processes hold the same.

    The tensors are buffers, and so are part of a checkpoint.

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
        """The share of slots that hold a clip."""
        return (self.video_id != EMPTY).float().mean()

    def check_same_everywhere(self) -> None:
        """Stops where processes hold different memories, which would be our mistake."""
        if num_processes() > 1:
            sums = torch.stack([self.video.sum(), self.audio.sum(), self.video_id.sum().float()])
            everywhere = gather(sums[None])
            assert bool((everywhere == everywhere[0]).all()), "every process holds the same memory"


class PairedQueue(PairedMemory):
    """The latest clips, first in, first out.

    Args:
        length: slots K.
        dim: width P.

    Attributes:
        next_slot: where the next clip goes.
    """

    next_slot: Tensor

    def __init__(self, length: int, dim: int) -> None:
        super().__init__(length, dim)
        self.register_buffer("next_slot", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def push(self, views: Views) -> None:
        """Puts the first clip of every video of all processes in the place of the oldest ones.

        A clip that lacks a modality leaves its slot empty, as nothing could be compared with it.
        """
        whole = views.presents[VIDEO] & views.presents[AUDIO]
        ids = torch.where(whole, views.video_ids, EMPTY)[-self.length :]
        slots = (self.next_slot + torch.arange(len(ids), device=ids.device)) % self.length
        for name in (VIDEO, AUDIO):
            self.of(name)[slots] = views.everyone[name][-self.length :, 0].to(self.video.dtype)
        self.video_id[slots] = ids
        self.next_slot.add_(len(ids)).remainder_(self.length)


class InstanceBank(PairedMemory):
    """One slot for each row of the data, that follows it slowly.

    Args:
        length: rows of the data.
        dim: width P.
        momentum: what is kept of a slot when its row comes by again.
    """

    def __init__(self, length: int, dim: int, momentum: float = 0.5) -> None:
        super().__init__(length, dim)
        self.momentum = momentum

    @torch.no_grad()
    def meet(self, views: Views) -> None:
        """Gives the rows of the batch that are seen for the first time their slots."""
        whole = views.presents[VIDEO] & views.presents[AUDIO]
        new = whole & (self.video_id[views.indices] == EMPTY)
        slots = views.indices[new]
        for name in (VIDEO, AUDIO):
            self.of(name)[slots] = views.everyone[name][new, 0]
        self.video_id[slots] = views.video_ids[new]

    @torch.no_grad()
    def follow(self, views: Views) -> None:
        """Moves the slots of the batch's rows towards their projections of now."""
        for name in (VIDEO, AUDIO):
            memory = self.of(name)
            moved = torch.lerp(views.everyone[name][:, 0], memory[views.indices], self.momentum)
            known = (self.video_id[views.indices] != EMPTY)[:, None]
            memory[views.indices] = torch.where(known, normalize(moved, dim=1), memory[views.indices])


def queue_length(num_clips: int, batch: int, wanted: int = 16384) -> int:
    """The slots for a data set: at most 4/5 of its clips, so that few are its own clips of an epoch before.

    Args:
        num_clips: clips of the data set.
        batch: clips of a step, of all processes; the length is a multiple of it.
        wanted: the most.

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
