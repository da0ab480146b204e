"""Clips as bytes and as the values that networks take."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Clips = NDArray[np.uint8]
"""(…, S, height, width, 3) RGB."""


def as_video(clips: Clips) -> "Tensor":
    """Frames (…, S, height, width, 3) from 0 to 255 as (…, 3, S, height, width) in [-1, 1]."""
    import torch

    return torch.from_numpy(np.array(clips)).movedim(-1, -4).float() / 127.5 - 1


def as_clips(video: "Tensor") -> Clips:
    """(…, 3, S, height, width) in [-1, 1] as frames (…, S, height, width, 3), rounded and on the CPU."""
    pixels = ((video.float() + 1) * 127.5).round().clamp(0, 255).byte()
    return np.asarray(pixels.movedim(-4, -1).cpu().numpy())
