"""Anchors: segments of a window at every place and of some lengths, their targets, and suppression.

Segments are (start, end) in steps of a window, anchors (length k, centre c). A segment of length l and
centre m is written from an anchor as (ln(l / k), (m - c) / k).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SHORTEST = 1e-3  # steps: of what a decoded segment lasts at least


def num_places(window: int, length: int, stride: int) -> int:
    """Anchors of one length in a window: ⌊(T - k) / stride⌋ + 1."""
    return (window - length) // stride + 1


@dataclass(frozen=True)
class Anchors:
    """The anchors of a window, those of one length together, by place.

    Attributes:
        window: steps T.
        kernels: lengths k; those beyond T have no anchors.
        stride_factor: the stride of length k is ⌈k / factor⌉.
    """

    window: int
    kernels: tuple[int, ...]
    stride_factor: int = 50

    def stride(self, length: int) -> int:
        """Steps from one anchor of a length to the next."""
        return math.ceil(length / self.stride_factor)

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def lengths(self) -> Floats:
        """(A,) in steps."""
        counts = [num_places(self.window, k, self.stride(k)) for k in self._used]
        return np.repeat(np.array(self._used, np.float64), counts)

    @cached_property
    def centres(self) -> Floats:
        """(A,) in steps."""
        places = [
            k / 2 + self.stride(k) * np.arange(num_places(self.window, k, self.stride(k))) for k in self._used
        ]
        return np.concatenate(places)

    @property
    def _used(self) -> list[int]:
        return [k for k in self.kernels if k <= self.window]

    @cached_property
    def segments(self) -> Floats:
        """(A, 2) start and end."""
        return np.stack([self.centres - self.lengths / 2, self.centres + self.lengths / 2], axis=1)

    def encode(self, segments: Floats, anchors: NDArray[np.int64]) -> Floats:
        """Offsets (N, 2) of segments (N, 2) from as many anchors."""
        lengths, centres = segments[:, 1] - segments[:, 0], segments.mean(axis=1)
        own = self.lengths[anchors]
        return np.stack([np.log(lengths / own), (centres - self.centres[anchors]) / own], axis=1)

    def decode(self, offsets: Floats, anchors: NDArray[np.int64]) -> Floats:
        """Segments (N, 2) of offsets (N, 2) from as many anchors."""
        own = self.lengths[anchors]
        lengths = np.maximum(own * np.exp(offsets[:, 0]), SHORTEST)
        centres = self.centres[anchors] + own * offsets[:, 1]
        return np.stack([centres - lengths / 2, centres + lengths / 2], axis=1)

    def match(
        self, events: Floats, positive: float = 0.7, negative: float = 0.3, *, best: bool = False
    ) -> tuple[NDArray[np.int64], Floats]:
        """Which event each anchor serves.

        Args:
            events: (E, 2) in steps; those that begin or end outside the window have no anchors.
            positive: least tIoU of an anchor with the event that it serves.
            negative: anchors whose largest tIoU is below are negatives.
            best: let an event that no anchor reaches `positive` with be served by its best one.

        Returns:
            (A,) the event; -1 for negatives, -2 for anchors between; and each one's largest tIoU, (A,).
        """
        owner = np.full(len(self), -1, np.int64)
        if len(events) == 0:
            return owner, np.zeros(len(self))
        overlap = tiou(self.segments, events)
        largest = overlap.max(axis=1)
        inside = (events[:, 0] >= -1e-6) & (events[:, 1] <= self.window + 1e-6)
        servable = np.where(inside, overlap, 0.0)
        owner[largest >= negative] = -2
        served = servable.max(axis=1) >= positive
        owner[served] = servable[served].argmax(axis=1)
        if best:
            lacking = np.setdiff1d(np.flatnonzero(inside & (overlap.max(axis=0) > 0)), owner)
            owner[overlap[:, lacking].argmax(axis=0)] = lacking
        return owner, largest


def tiou(some: Floats, others: Floats) -> Floats:
    """Temporal intersection over union of segments (N, 2) and (M, 2), (N, M)."""
    start = np.maximum(some[:, None, 0], others[None, :, 0])
    end = np.minimum(some[:, None, 1], others[None, :, 1])
    common = np.maximum(end - start, 0.0)
    total = (some[:, 1] - some[:, 0])[:, None] + (others[:, 1] - others[:, 0])[None] - common
    found: Floats = common / np.maximum(total, 1e-9)
    return found


def suppress(segments: Floats, scores: Floats, threshold: float, most: int | None = None) -> list[int]:
    """Non-maximum suppression: what is kept of segments (N, 2), the best scored first.

    Args:
        segments: start and end.
        scores: (N,).
        threshold: tIoU with a kept segment above which another is dropped.
        most: segments that are kept at most.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order) and (most is None or len(kept) < most):
        kept.append(int(order[0]))
        rest = order[1:]
        order = rest[tiou(segments[rest], segments[kept[-1:]])[:, 0] <= threshold]
    return kept
