"""Samples to batches."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

Key = int | tuple[int, int]
"""The index of a sample, or (index, epoch)."""


def scalar(value: int | bool) -> Tensor:
    """A number of a sample; torch.tensor takes ten times as long."""
    return torch.from_numpy(np.array(value))


def collate(samples: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Stacks samples into a batch: every entry gets a first dimension."""
    return {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
