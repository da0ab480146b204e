"""Video as an input: windows of frames, their settings, reading, augmentation and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from avtool.core.recipe import validate
from avtool.data.decode_cache.frames import cut_out
from avtool.data.inputs.base import ModelInput, known_false
from avtool.data.inputs.boxes import random_box
from avtool.data.inputs.settings import VideoSettings
from avtool.data.items import Item
from avtool.data.manifest import Clip, Manifest
from avtool.data.media_files import streams_in
from avtool.media.video_frames import read_frames

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from avtool.data.decode_cache.source import ClipSource, FilmSource
    from avtool.data.inputs.frame_augment import RandAugment

Times = NDArray[np.float64]


@dataclass(frozen=True)
class VideoInput(ModelInput):
    """Windows of frames (3, T, size, size) in [-1, 1].

    Attributes:
        settings: of the window, and of its augmentation in training.
        name: of the model's argument.
        source: of the training clips' frames, at its rate and size, where that is not their own files.
        area: range of a training crop's share of the frame's area; None crops squares of full size.
        rand_augment: of training samples.
        crops: squares of each window in inference, evenly spaced along the longer side of its frames.
    """

    settings: VideoSettings = VideoSettings()  # noqa: RUF009 - frozen
    name: str = "video"
    source: "ClipSource | None" = field(default=None, compare=False, repr=False)
    area: tuple[float, float] | None = field(default=None, compare=False)
    rand_augment: "RandAugment | None" = field(default=None, compare=False, repr=False)
    crops: int = field(default=1, compare=False)

    noun: ClassVar[str] = "video"
    croppable: ClassVar[bool] = True
    is_track: ClassVar[bool] = True

    @property
    def seconds(self) -> float:
        """Duration of a window."""
        return self.settings.seconds

    def is_present(self, clips: Manifest, clip: Clip) -> bool:
        """Whether a clip, or the film that it was cut from, has video."""
        return clips.has_video(clip)

    def is_in(self, item: Item) -> bool:
        """Whether a file, or a clip, has video."""
        return super().is_in(item) if item.clip else streams_in(item.path).video

    def lacking(self, clips: Manifest) -> NDArray[np.bool_]:
        """Which clips are known to have no video; a mined clip has that of its film."""
        if "film_start" in clips.table.column_names:
            return np.zeros(len(clips), bool)
        return known_false(clips, "has_video")

    def sample(
        self, clips: Manifest, index: int, place: float, rng: np.random.Generator | None
    ) -> "dict[str, Tensor]":
        """Reads a window; its augmentation is the same for all frames."""
        from avtool.data.inputs.video_augment import apply_augmentation, centred, draw_augmentation

        clip = clips[index]
        change = centred(self.settings) if rng is None else draw_augmentation(self.settings, rng)
        frames = self._read(clips, clip, self.times(clip, place), change.short_side)
        size, augment = self.settings.size, None
        if rng is not None and self.area is not None:
            height, width = frames.shape[1:3]
            frames = cut_out(frames, random_box(height, width, self.area, rng), (size, size))
        if rng is not None and self.rand_augment is not None:
            augment = partial(self.rand_augment, rng=rng)
        return {self.name: apply_augmentation(frames, change, size, augment)}

    def absent(self) -> "dict[str, Tensor]":
        """Grey frames."""
        import torch

        size = self.settings.size
        return {self.name: torch.zeros(3, self.settings.num_frames, size, size)}

    def window(self, item: Item, start: float, end: float) -> "Tensor":
        """The frames between two times, spread as in training; with several crops (crops, 3, T, S, S)."""
        path, offset = item.video()
        times = spread(self.settings, offset + start, end - start)
        frames, _ = read_frames(path, times.tolist(), size=self.settings.short_side, threads=1)
        if self.crops == 1:
            return self.crop(frames)
        import torch

        from avtool.data.inputs.video_augment import apply_augmentation, beside

        changes = beside(self.settings, self.crops)
        return torch.stack([apply_augmentation(frames, change, self.settings.size) for change in changes])

    def crop(self, frames: NDArray[np.uint8]) -> "Tensor":
        """The centre of frames (T, H, W, 3) whose shorter side is `short_side`."""
        from avtool.data.inputs.video_augment import apply_augmentation, centred

        return apply_augmentation(frames, centred(self.settings), self.settings.size)

    def batch(self, windows: "Sequence[Tensor]", device: "torch.device") -> "dict[str, Tensor]":
        """(B, 3, T, size, size)."""
        import torch

        return {self.name: torch.stack(list(windows)).to(device)}

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return self.settings.model_dump(mode="json")

    @classmethod
    def from_json(cls, name: str, values: Mapping[str, Any], folder: Path) -> Self:  # noqa: ARG003
        """Reads it back."""
        return cls(validate(VideoSettings, values, "video"), name)

    def times(self, clip: Clip, place: float) -> Times:
        """The film times of the frames of a window, or of a whole clip that is shorter."""
        media = clip.video
        duration = media.end - media.start
        room = duration - min(self.settings.seconds, duration)
        return spread(self.settings, media.start + place * room, duration)

    def _read(self, clips: Manifest, clip: Clip, times: Times, short_side: int) -> NDArray[np.uint8]:
        """The frames on screen at some film times, (T, H, W, 3)."""
        from avtool.data.decode_cache.frames import scaled

        media = clip.video
        if self.source is None:
            frames, _ = read_frames(clips.local(media), times.tolist(), size=short_side, threads=1)
            return frames
        first_time, _ = self.source.frame_span(clip)
        places = (times - media.start - first_time) * self.source.fps
        numbers = np.maximum(np.floor(places + 1e-6), 0).astype(np.int64)
        return scaled(self.source.frames(clips, clip, numbers), short_side)


def spread(settings: VideoSettings, start: float, available: float) -> Times:
    """The times of a window's frames: the middles of equal parts of it, or of less where less is available.

    Args:
        settings: of the window.
        start: of the window, in seconds.
        available: seconds from there on.
    """
    length = min(settings.seconds, available)
    parts = np.arange(settings.num_frames) + 0.5
    return np.asarray(start + parts * length / settings.num_frames, np.float64)


def film_source(settings: VideoSettings, cache_mib: int = 1024) -> "FilmSource":
    """A source of windows of films: twice as many frames a second as they take, at their shorter side.

    Args:
        settings: of the windows.
        cache_mib: memory for decoded frames, in MiB.
    """
    from avtool.data.decode_cache.settings import SpanSettings
    from avtool.data.decode_cache.source import FilmSource

    fps = min(120.0, 2 * settings.num_frames / settings.seconds)
    spans = SpanSettings(fps=fps, short_side=min(1024, settings.short_side), cache_mib=cache_mib)
    return FilmSource(spans)
