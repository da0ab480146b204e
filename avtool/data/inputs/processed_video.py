"""Windows of frames as a video processor of transformers takes them, for encoders that stay frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from avtool.data.inputs.processed import PROCESSOR, load_processor
from avtool.data.inputs.settings import VideoSettings
from avtool.data.inputs.video import VideoInput
from avtool.data.items import Item
from avtool.data.manifest import Manifest
from avtool.media.container import open_media, pick_video
from avtool.media.probe import frame_rate
from avtool.media.video_frames import iter_frames, read_frames

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_FRAMES_AT_ONCE = 8
"""Frames of full size in memory."""
_USUAL_RATE = 25.0


@dataclass(frozen=True)
class ProcessedVideo(VideoInput):
    """Windows of frames (3, T, H, W) as a video processor of transformers takes them.

    Training samples are the same: encoders that are fed so stay frozen.

    Attributes:
        sampled: frames of a window, evenly spaced from its first to its last; 0 takes all.
        folder: of the processor's files.
    """

    settings: VideoSettings = VideoSettings(num_frames=16, seconds=10.0)  # noqa: RUF009 - frozen
    sampled: int = 0
    folder: Path | None = None

    croppable: ClassVar[bool] = False

    def sample(
        self,
        clips: Manifest,
        index: int,
        place: float,
        rng: np.random.Generator | None,  # noqa: ARG002 - without augmentation
    ) -> "dict[str, Tensor]":
        """Reads a window of a clip."""
        media = clips[index].video
        start = media.start + place * max(media.end - media.start - self.seconds, 0.0)
        return {self.name: self._frames(clips.local(media), start, min(media.end, start + self.seconds))}

    def absent(self) -> "dict[str, Tensor]":
        """Grey frames."""
        grey = np.full((self.settings.num_frames, 64, 64, 3), 128, np.uint8)
        return {self.name: self.process(grey).transpose(0, 1)}

    def window(self, item: Item, start: float, end: float) -> "Tensor":
        """The frames between two times."""
        path, offset = item.video()
        return self._frames(path, offset + start, offset + end)

    def batch(self, windows: "Sequence[Tensor]", device: "torch.device") -> "dict[str, Tensor]":
        """(B, 3, T, H, W), and where lengths differ what is no padding of shorter ones, (B, T)."""
        import torch

        lengths = torch.tensor([window.shape[1] for window in windows])
        longest = int(lengths.max())
        padded = [torch.nn.functional.pad(one, (0, 0, 0, 0, 0, longest - one.shape[1])) for one in windows]
        found = {self.name: torch.stack(padded).to(device)}
        if int(lengths.min()) < longest:
            found[f"{self.name}_mask"] = (torch.arange(longest)[None] < lengths[:, None]).to(device)
        return found

    def process(self, frames: NDArray[np.uint8]) -> "Tensor":
        """(T, H, W, 3) RGB bytes → what the encoder takes, (T, 3, H, W)."""
        found: Tensor = self._processor(videos=[frames], do_sample_frames=False, return_tensors="pt")[
            "pixel_values_videos"
        ][0]
        return found

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return {PROCESSOR: "transformers", "seconds": self.seconds, "num_frames": self.sampled}

    def assets(self) -> dict[str, Path]:
        """The folder of the processor's files."""
        return {PROCESSOR: self.folder} if self.folder is not None else {}

    @classmethod
    def from_json(cls, name: str, values: Mapping[str, Any], folder: Path) -> Self:
        """Reads it back; the model's folder keeps the processor."""
        sampled = int(values["num_frames"])
        settings = VideoSettings(num_frames=sampled or 16, seconds=float(values["seconds"]))
        return cls(settings, name, sampled=sampled, folder=folder / PROCESSOR)

    @cached_property
    def _processor(self) -> Any:
        return load_processor(self.folder or Path(), "AutoVideoProcessor")

    def _frames(self, path: Path, start: float, end: float) -> "Tensor":
        """Frames between two film times, processed a few at a time."""
        import torch

        if self.sampled:
            rate = _rate_of(path)
            total = max(1, round((end - start) * rate))
            last = max(1, self.sampled - 1)
            numbers = [place * (total - 1) // last for place in range(self.sampled)]
            frames, _ = read_frames(path, [start + (number + 0.5) / rate for number in numbers], threads=1)
            return self.process(frames).transpose(0, 1)
        parts, some = [], list[NDArray[np.uint8]]()
        for _, frame in iter_frames(path, start=start, end=end, threads=1):
            some.append(frame)
            if len(some) == _FRAMES_AT_ONCE:
                parts.append(self.process(np.stack(some)))
                some = []
        if some or not parts:
            last_frames = np.stack(some) if some else read_frames(path, [start], threads=1)[0]
            parts.append(self.process(last_frames))
        return torch.cat(parts).transpose(0, 1)


def _rate_of(path: Path) -> float:
    """Mean frames per second of a film."""
    with open_media(path) as container:
        return frame_rate(pick_video(container, path)) or _USUAL_RATE
