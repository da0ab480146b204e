"""Encode once, slide the decoder: outputs of a grounding network for each frame of a film.

The encoder works on each frame with the query alone, so that it runs once for each frame; windows of the
decoder overlap, and the outputs of a frame are the mean over the windows that cover it. Frames are encoded
in chunks, and dropped behind the last window that needs them: memory does not grow with the film.

Shapes: N frames, W of a window, k stride of encoded frames, S tokens of a frame, D width.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from avtool.core.arrays import Floats
from avtool.core.errors import BadInputError

if TYPE_CHECKING:
    from avtool.models.minotaur.settings import LocalisationOutput

_SHORTEST = 8
_OUTPUTS = 7  # box, start and end, foreground
Encode = Callable[[int, int, int], tuple[Tensor, Tensor]]
"""First frame, behind the last, from one to the next → their memory (1, M, S, D), its mask (1, M, S)."""
Decode = Callable[[Tensor, Tensor, Tensor], "LocalisationOutput"]
"""Memory (B, M, S, D), its mask, and which frames are valid (B, W) → outputs."""


@dataclass(frozen=True)
class Sliding:
    """Windows of the decoder.

    Attributes:
        window: frames W of one.
        step: frames from one to the next.
        stride: k, frames from one encoded frame to the next.
        batch: windows that are decoded at once.
        chunk: frames that are encoded at once.

    Raises:
        BadInputError: the numbers do not fit together.
    """

    window: int = 200
    step: int = 50
    stride: int = 1
    batch: int = 4
    chunk: int = 64

    def __post_init__(self) -> None:
        """Checks the numbers."""
        window, step, stride = self.window, self.step, self.stride
        rules = (
            (
                window >= _SHORTEST,
                f"a window of {window} frames of the index is too short",
                f"it has at least {_SHORTEST}: give a longer --window, in seconds",
            ),
            (
                0 < step <= window,
                f"windows every {step} frames of the index",
                f"the step is from 1 to the window, {window} frames: give another grounding.step, in seconds",
            ),
            (
                stride >= 1 and step % stride == 0,
                f"a step of {step} frames",
                f"a multiple of stride {stride}",
            ),
        )
        for right, what, rule in rules:
            if not right:
                raise BadInputError(what, rule)


@dataclass(frozen=True)
class FrameOutputs:
    """Means of a network's outputs over the windows that cover each frame.

    Attributes:
        frames: (N,) their numbers.
        boxes: (N, 4) centre, width and height.
        start_end: (N, 2) logits.
        foreground: (N,) logits.
        encoded: frames that the encoder has run on.
        windows: that the decoder has run on.
    """

    frames: Sequence[int]
    boxes: Floats
    start_end: Floats
    foreground: Floats
    encoded: int
    windows: int


def window_starts(frames: int, window: int, step: int) -> list[int]:
    """First frames of the windows: ⌈(N - W) / step⌉ + 1, none of which lies within the one before.

    The reference's loop runs to N, over tails of the last window.
    """
    return (
        [number * step for number in range(math.ceil(max(frames - window, 0) / step) + 1)] if frames else []
    )


@torch.no_grad()
def slide(
    encode: Encode, decode: Decode, frames: range, sliding: Sliding, scales: Sequence[int] = (1,)
) -> list[FrameOutputs]:
    """Outputs for each frame.

    Args:
        encode: the encoder over some of the frames.
        decode: the decoder over windows.
        frames: of the film.
        sliding: the windows.
        scales: every how many-th frame is taken, for each of several passes of the decoder; the encoder runs
            once for all of them.

    Returns:
        For each scale the outputs of its frames.
    """
    if not len(frames):
        return [_empty() for _ in scales]
    common = math.gcd(*scales)
    pace = sliding.stride * common
    passes = [_Pass(decode, len(range(0, len(frames), scale)), sliding) for scale in scales]
    encoded = 0
    for first, last in _chunks(len(frames), sliding.chunk, pace):
        memory, mask = encode(frames.start + first, frames.start + last, pace)
        for scale, one in zip(scales, passes, strict=True):
            ratio = scale // common
            offset = -(first // pace) % ratio
            one.push(memory[:, offset::ratio], mask[:, offset::ratio])
        encoded += memory.shape[1]
    return [one.outputs(frames[::scale], encoded) for scale, one in zip(scales, passes, strict=True)]


def _chunks(frames: int, chunk: int, pace: int) -> Iterator[tuple[int, int]]:
    """Parts of the frames that begin with one that is encoded."""
    length = max(chunk, 1) * pace
    for first in range(0, frames, length):
        yield first, min(first + length, frames)


class _Pass:
    """The decoder's windows over every so many-th frame."""

    def __init__(self, decode: Decode, frames: int, sliding: Sliding) -> None:
        self.decode, self.sliding, self.frames = decode, sliding, frames
        self.window = min(sliding.window, frames)
        self.starts = window_starts(frames, sliding.window, sliding.step)
        self.done = 0
        self.low = 0  # the encoded frame that the memory begins with
        self.memory: Tensor | None = None
        self.mask: Tensor | None = None
        self.sums = np.zeros((frames, _OUTPUTS))
        self.counts = np.zeros(frames, dtype=np.int64)

    def push(self, memory: Tensor, mask: Tensor) -> None:
        """Takes the next encoded frames, and decodes the windows that are whole."""
        if self.memory is None or self.mask is None:
            self.memory, self.mask = memory[0], mask[0]
        else:
            self.memory, self.mask = torch.cat([self.memory, memory[0]]), torch.cat([self.mask, mask[0]])
        while self._decodes():
            pass

    def _decodes(self) -> bool:
        """Decodes a batch of windows, if its frames are there."""
        batch = self.starts[self.done : self.done + self.sliding.batch]
        if not batch or self.memory is None or self.mask is None:
            return False
        stride = self.sliding.stride
        end = min(batch[-1] + self.window, self.frames)
        if self.low + len(self.memory) < -(-end // stride):
            return False
        length = -(-self.window // stride)
        rows = [(start // stride - self.low) for start in batch]
        memory = torch.stack([_part(self.memory, row, length) for row in rows])
        mask = torch.stack([_part(self.mask, row, length, last=True) for row in rows])
        counts = [min(self.window, self.frames - start) for start in batch]
        valid = torch.arange(self.window)[None] < torch.tensor(counts)[:, None]
        self._add(batch, counts, self.decode(memory, mask, valid.to(memory.device)))
        self.done += len(batch)
        after = self.starts[self.done] if self.done < len(self.starts) else self.frames
        drop = min(after // stride - self.low, len(self.memory))
        self.memory, self.mask = self.memory[drop:].clone(), self.mask[drop:].clone()
        self.low += drop
        return True

    def _add(self, starts: Sequence[int], counts: Sequence[int], output: "LocalisationOutput") -> None:
        last = [output.boxes[-1], output.start_end[-1], output.foreground[-1][..., None]]
        values = torch.cat(last, dim=-1).float().cpu().numpy()
        for row, (start, count) in enumerate(zip(starts, counts, strict=True)):
            self.sums[start : start + count] += values[row, :count]
            self.counts[start : start + count] += 1

    def outputs(self, frames: range, encoded: int) -> FrameOutputs:
        """The means."""
        assert self.done == len(self.starts), "all windows are decoded"
        means = self.sums / self.counts[:, None]
        return FrameOutputs(frames, means[:, :4], means[:, 4:6], means[:, 6], encoded, self.done)


def _part(memory: Tensor, first: int, length: int, *, last: bool = False) -> Tensor:
    """Rows of a window, padded at the end of the film: by zeros, or by the last row."""
    found = memory[first : first + length]
    missing = length - len(found)
    if not missing:
        return found
    rest = found[-1:].expand(missing, *found.shape[1:])
    return torch.cat([found, rest if last else torch.zeros_like(rest)])


def _empty() -> FrameOutputs:
    return FrameOutputs((), np.zeros((0, 4)), np.zeros((0, 2)), np.zeros(0), 0, 0)
