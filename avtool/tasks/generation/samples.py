"""Clips of videos as samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from avtool.tasks.generation.videos import FrameSpan


class ClipSamples(Dataset[Any]):
    """Clips of consecutive frames.

    Args:
        spans: the videos.
        frames: S of a clip.
        windows: clips of each video; 0: as many as fit side by side.
        train: whether they begin anywhere; else evenly spaced.
    """

    def __init__(self, spans: Sequence[FrameSpan], frames: int, windows: int, *, train: bool) -> None:
        self.frames, self.train = frames, train
        self.places: list[tuple[FrameSpan, int, int]] = []
        for span in spans:
            count = windows or max(len(span.frames) // frames, 1)
            self.places += [(span, number, count) for number in range(count)]
        self.names = [span.name for span, _, _ in self.places]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> dict[str, Any]:
        span, number, count = self.places[index]
        room = len(span.frames) - self.frames
        start = round(room * (number + 0.5) / count)
        if self.train:
            start = int(torch.randint(room + 1, ()))
        return {"video": as_video(span.frames[start : start + self.frames]), "index": torch.tensor(index)}


def as_video(frames: NDArray[np.uint8]) -> Tensor:
    """Frames (T, height, width, 3) as (3, T, height, width) in [-1, 1]."""
    return torch.from_numpy(np.array(frames)).permute(3, 0, 1, 2).float() / 127.5 - 1
