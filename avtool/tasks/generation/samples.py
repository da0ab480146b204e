"""Clips of videos as samples."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import Dataset

from avtool.inference.generation.pixels import as_video
from avtool.tasks.generation.videos import FrameSpan


class ClipSamples(Dataset[Any]):
    """Clips of consecutive frames, and the frame of each that perception looks at.

    Args:
        spans: the videos.
        frames: S of a clip.
        windows: clips of each video; 0: as many as fit side by side.
        train: whether they begin anywhere and any frame is looked at; else evenly spaced, the middle one.
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
        start, frame = round(room * (number + 0.5) / count), torch.tensor(self.frames // 2)
        if self.train:
            start, frame = int(torch.randint(room + 1, ())), torch.randint(self.frames, ())
        clip = span.frames[start : start + self.frames]
        return {"video": as_video(clip), "frame": frame, "index": torch.tensor(index)}
