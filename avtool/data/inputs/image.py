"""Images as an input: photographs, or single frames of films; their reading, crops and JSON."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from avtool.core.recipe import validate
from avtool.core.reporter import Reporter
from avtool.data.decode_cache.cache import PartCache
from avtool.data.decode_cache.frames import FrameSpans, cut_out
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.inputs.base import ModelInput, Span
from avtool.data.inputs.boxes import centre_box, random_box
from avtool.data.inputs.settings import ImageSettings, VideoSettings
from avtool.data.inputs.video import VideoInput
from avtool.data.items import Item
from avtool.data.manifest import Clip, Manifest
from avtool.data.media_files import streams_in
from avtool.media.still_images import is_image, read_image

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from avtool.data.decode_cache.source import ClipSource
    from avtool.data.inputs.frame_augment import RandAugment

TRAINING_AREA = (0.2, 1.0)
"""The range of a training crop's share of the image's area, where none is set."""
_EVALUATION_SHARE = 224 / 256  # of the shorter side that evaluation keeps
_FPS = 2.0  # of films: neighbouring frames are nearly the same
_LARGEST = 1024


@dataclass(frozen=True)
class ImageInput(ModelInput):
    """Images (3, size, size) in [-1, 1]; samples for training may be (size, size, 3) bytes for `as_float`.

    With `ImageSettings` they are normalised by channel, and photographs are scaled bicubically from their
    full size, in training and evaluation.

    Attributes:
        settings: size, shorter side and probability of a flip; of films, the seconds that one image is for.
        name: of the model's argument.
        area: range of the crop's share of the image's area in training; MAE takes 0.2 to 1.
        source: of the training clips' frames, where those are not their own files.
        cache_mib: memory for decoded images, of all loader processes together, in MiB.
        as_bytes: whether training samples are bytes.
        rand_augment: of training samples.
    """

    settings: VideoSettings = VideoSettings(num_frames=1)  # noqa: RUF009 - frozen
    name: str = "image"
    area: tuple[float, float] = field(default=TRAINING_AREA, compare=False)
    source: "ClipSource | None" = field(default=None, compare=False, repr=False)
    cache_mib: float = field(default=1024, compare=False, repr=False)
    as_bytes: bool = field(default=False, compare=False, repr=False)
    rand_augment: "RandAugment | None" = field(default=None, compare=False, repr=False)

    noun: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        assert 0 < self.area[0] <= self.area[1] <= 1, self.area

    @property
    def seconds(self) -> float:
        """Duration of the part of a film that one image is for."""
        return self.settings.seconds

    def is_present(self, clips: Manifest, clip: Clip) -> bool:
        """Whether a clip is an image, or has video."""
        return clips.has_video(clip)

    def is_in(self, item: Item) -> bool:
        """Whether a file, or a clip, is an image, or has video."""
        return super().is_in(item) if item.clip else streams_in(item.path).video

    def sample(
        self, clips: Manifest, index: int, place: float, rng: np.random.Generator | None
    ) -> "dict[str, Tensor]":
        """Reads an image, of a film the frame at `place`; with a generator a random crop and flip of it."""
        import torch

        from avtool.data.inputs.video_augment import frames_to_tensor

        clip = clips[index]
        path = clips.local(clip.video)
        if rng is None and self._by_channel and is_image(path):
            return {self.name: self._centre(path)}
        image = self._read(clips, clip, place)
        height, width = image.shape[1:3]
        flip = False
        if rng is None:
            box = centre_box(height, width, _EVALUATION_SHARE)
        else:
            box = random_box(height, width, self.area, rng)
            flip = bool(rng.random() < self.settings.flip)
        size = self.settings.size, self.settings.size
        part = cut_out(image, box, size, "bicubic" if self._by_channel else "bilinear")
        turned = part[:, :, ::-1] if flip else part
        if rng is not None and self.rand_augment is not None:
            turned = self.rand_augment(turned, rng)
        if self.as_bytes:
            return {self.name: torch.from_numpy(turned[0].copy())}
        return {self.name: self._normalised(frames_to_tensor(turned)[:, 0])}

    def absent(self) -> "dict[str, Tensor]":
        """A grey image."""
        import torch

        return {self.name: torch.zeros(3, self.settings.size, self.settings.size)}

    def windows(
        self, item: Item, hop: float, reporter: Reporter | None = None
    ) -> "Iterator[tuple[Span, Tensor]]":
        """A photograph is one window of no duration; a film is cut like any video."""
        if is_image(item.path):
            yield (0.0, 0.0), self.window(item, 0.0, 0.0)
        else:
            yield from super().windows(item, hop, reporter)

    def window(self, item: Item, start: float, end: float) -> "Tensor":
        """The centre of a photograph, or of the frame in the middle between two times."""
        if is_image(item.path):
            return self._centre(item.path)
        return self._normalised(VideoInput(self.settings).window(item, start, end)[:, 0])

    def batch(self, windows: "Sequence[Tensor]", device: "torch.device") -> "dict[str, Tensor]":
        """(B, 3, size, size)."""
        import torch

        return {self.name: torch.stack(list(windows)).to(device)}

    def whole(self, image: NDArray[np.uint8]) -> "Tensor":
        """RGB bytes (H, W, 3) of the size that the encoder takes → (3, H, W), neither scaled nor cut."""
        import torch

        return self._normalised(torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 127.5 - 1)

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return self.settings.model_dump(mode="json")

    @classmethod
    def from_json(cls, name: str, values: Mapping[str, Any], folder: Path) -> Self:  # noqa: ARG003
        """Reads it back."""
        return cls(validate(ImageSettings if "mean" in values else VideoSettings, values, "image"), name)

    @property
    def _by_channel(self) -> bool:
        return isinstance(self.settings, ImageSettings)

    def _centre(self, path: Path) -> "Tensor":
        """The centre of a photograph."""
        image = read_image(path, self.settings.short_side, exact=self._by_channel)
        return self._normalised(VideoInput(self.settings).crop(image[None].copy())[:, 0])

    def _normalised(self, image: "Tensor") -> "Tensor":
        """(3, H, W) in [-1, 1] with the settings' mean and deviation of each channel."""
        if not isinstance(self.settings, ImageSettings):
            return image
        mean, std = (
            image.new_tensor(value)[:, None, None] for value in (self.settings.mean, self.settings.std)
        )
        return ((image + 1) / 2 - mean) / std

    @cached_property
    def _room(self) -> int:
        """Shorter side that images are read at: the smallest crop is still of the full size."""
        return min(round(self.settings.size / math.sqrt(self.area[0])), _LARGEST)

    @cached_property
    def _cache(self) -> PartCache:
        return PartCache(self.cache_mib)

    @cached_property
    def _films(self) -> FrameSpans:
        return FrameSpans(SpanSettings(fps=_FPS, short_side=self._room), self._cache)

    def _read(self, clips: Manifest, clip: Clip, place: float) -> NDArray[np.uint8]:
        """(1, H, W, 3), no larger than is needed."""
        if self.source is not None:
            _, count = self.source.frame_span(clip)
            return self.source.frames(clips, clip, np.array([int(place * max(0, count - 1))]))
        media = clip.video
        path = clips.local(media)
        if is_image(path):
            key = path, self._room
            (image,) = self._cache.parts(key, 0, 1, lambda *_: [read_image(path, self._room)[None].copy()])
            return image
        time = media.start + place * (media.end - media.start)
        return self._films.at(path, np.array([int(time * _FPS)]))
