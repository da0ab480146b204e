"""Batches of two clips of each video, without clips: what the contrasts need to be tested."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from avtool.objectives.temporal.views import Views

Batch = dict[str, Tensor]


def unit(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    """Random rows of length 1."""
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(*shape, generator=generator, dtype=dtype), dim=-1)


def projections(rows: int, dim: int = 8, seed: int = 0, dtype: torch.dtype = torch.float32) -> Batch:
    """Projections of both clips of both modalities."""
    return {
        "video": unit(rows, 2, dim, seed=seed, dtype=dtype),
        "audio": unit(rows, 2, dim, seed=seed + 1000, dtype=dtype),
    }


def labels(rows: int, first_video: int = 0, **changes: Any) -> Batch:
    """Everything in a batch that is no clip; each row is of its own video."""
    batch = {
        "video_id": torch.arange(rows) + first_video,
        "index": torch.arange(rows),
        "video_direction": torch.zeros(rows, 2, dtype=torch.long),
        "audio_direction": torch.zeros(rows, 2, dtype=torch.long),
    }
    return {**batch, **{name: torch.as_tensor(value) for name, value in changes.items()}}


def views(rows: int, seed: int = 0, dim: int = 8, **changes: Any) -> Views:
    """Views of random projections."""
    return Views.of(projections(rows, dim, seed), labels(rows, **changes))
