"""Baselines of an autoencoder of clips: mean frames, and principal components of as many numbers.

Clips are sequences of (S, height, width, 3) uint8 arrays of one shape. Principal components follow from
inner products of clips alone, frame by frame, so that memory holds one frame of all clips at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from avtool.core.arrays import Floats

_ROUNDING = 1e-6
"""Share of the largest variance below which a component is rounding of single precision."""
Clip = NDArray[np.uint8]
Frames = NDArray[np.float32]


def mean_frame(clips: Sequence[Clip]) -> Floats:
    """The mean of all frames of all clips, (height, width, 3) from 0 to 255."""
    return np.asarray(np.mean([clip.mean(axis=0) for clip in clips], axis=0), np.float64)


def shrunk_mean(clip: Clip, numbers: int) -> Clip:
    """A clip of its own mean frame, averaged to at most so many numbers and scaled back bilinearly.

    Args:
        clip: of S frames.
        numbers: at least 3.
    """
    import torch
    import torch.nn.functional as F  # noqa: N812

    height, width = clip.shape[1:3]
    scale = min(sqrt(numbers / (3 * height * width)), 1.0)
    small = max(int(height * scale), 1), max(int(width * scale), 1)
    mean = torch.from_numpy(clip.mean(axis=0)).permute(2, 0, 1)[None]
    shrunk = F.interpolate(mean, size=small, mode="area")
    restored = F.interpolate(shrunk, size=(height, width), mode="bilinear")[0].permute(1, 2, 0)
    return np.repeat(to_pixels(restored.numpy())[None], len(clip), axis=0)


@dataclass(frozen=True)
class ClipComponents:
    """Principal components of clips, kept as weights of the clips that they follow from.

    Attributes:
        clips: N training clips.
        weights: (N, components): a component is the weighted sum of the centred clips, of unit norm.
    """

    clips: Sequence[Clip]
    weights: Floats

    @classmethod
    def of(cls, clips: Sequence[Clip], components: int) -> "ClipComponents":
        """The first components of clips; fewer where clips are no more than components.

        Args:
            clips: at least 2.
            components: at least 1.
        """
        products = np.zeros((len(clips), len(clips)))
        for place in range(len(clips[0])):
            centred = _frame(clips, place)
            centred -= centred.mean(axis=0)
            products += centred @ centred.T
        values, vectors = np.linalg.eigh(products)
        kept = np.argsort(values)[::-1][: min(components, len(clips) - 1)]
        kept = kept[values[kept] > _ROUNDING * values[-1]]
        return cls(clips, np.asarray(vectors[:, kept] / np.sqrt(values[kept]), np.float64))

    def restore(self, clips: Sequence[Clip]) -> list[Clip]:
        """Projections of clips onto the components, rounded to pixels."""
        products = np.zeros((len(clips), len(self.clips)))
        for place in range(len(clips[0])):
            training = _frame(self.clips, place)
            mean = training.mean(axis=0)
            products += (_frame(clips, place) - mean) @ (training - mean).T
        shares = (products @ self.weights @ self.weights.T).astype(np.float32)
        frames = []
        for place, shape in enumerate([clips[0].shape[1:]] * len(clips[0])):
            training = _frame(self.clips, place)
            mean = training.mean(axis=0)
            frames.append(to_pixels(shares @ (training - mean) + mean).reshape(len(clips), *shape))
        return list(np.stack(frames, axis=1))


def _frame(clips: Sequence[Clip], place: int) -> Frames:
    """(N, values) of one frame of all clips."""
    return np.stack([clip[place].reshape(-1) for clip in clips]).astype(np.float32)


def to_pixels(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values from 0 to 255, rounded and clipped."""
    return np.asarray(values).round().clip(0, 255).astype(np.uint8)
