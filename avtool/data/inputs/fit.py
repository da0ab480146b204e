"""Bringing spectrograms to one length and one scale."""

from typing import Literal

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

Cut = Literal["start", "centre"]
"""What is kept of a long clip: its start (AST, transformers), or its middle (SAM-S)."""


def pad_or_cut(fbank: Tensor, num_frames: int, cut: Cut = "start", value: float = 0.0) -> Tensor:
    """Fits spectrograms to a number of frames.

    Args:
        fbank: (..., T, F).
        num_frames: frames wanted.
        cut: where to cut a long one.
        value: what to append to a short one. The published models append 0 before they normalise.

    Returns:
        (..., num_frames, F).
    """
    extra = fbank.shape[-2] - num_frames
    if extra <= 0:
        return F.pad(fbank, (0, 0, 0, -extra), value=value)
    first = extra // 2 if cut == "centre" else 0
    return fbank.narrow(-2, first, num_frames)


def normalize(fbank: Tensor, mean: float, std: float) -> Tensor:
    """(fbank - mean) / (2 std), the scaling of AST: most values land in [-1, 1].

    Args:
        fbank: log-mel energies of any shape.
        mean: over the training split.
        std: over the training split.
    """
    assert std > 0, f"the standard deviation {std} is not positive"
    return (fbank - mean) / (std * 2)
