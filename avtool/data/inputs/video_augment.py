"""Augmentation of video windows: what is drawn once for a window changes all of its frames alike."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avtool.data.inputs.settings import VideoSettings

# Bounds of TensorFlow's colour augmentation as video models use it.
_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE = 32 / 255, (0.6, 1.4), (0.6, 1.4), 0.2
_GREY = torch.tensor([0.299, 0.587, 0.114])
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
# A turn of the colour circle in RGB is the sum of these, times 1, its cosine and its sine.
_TURN = torch.from_numpy(
    np.linalg.inv(_TO_YIQ)
    @ np.array([np.diag([1, 0, 0]), np.diag([0, 1, 1]), [[0, 0, 0], [0, 0, -1], [0, 1, 0]]])
    @ _TO_YIQ
).float()


class ColourChange(NamedTuple):
    """A drawn change of colours; hue in turns of the colour circle. Without saturation all is grey."""

    brightness: float = 0.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0


UNCHANGED = ColourChange()


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is done to a window.

    Attributes:
        short_side: pixels to scale the shorter side to.
        top, left: where the crop is between 0 and 1 of the room there is.
        flip: whether left and right are turned round.
        colours: how they change.
    """

    short_side: int
    top: float = 0.5
    left: float = 0.5
    flip: bool = False
    colours: ColourChange = UNCHANGED


def draw_augmentation(settings: VideoSettings, rng: np.random.Generator) -> Augmentation:
    """Draws what training does to a window; every draw takes the same number of random numbers."""
    scale = math.exp(rng.uniform(*np.log(settings.scale)))
    top, left, flip, jitter, drop = rng.random(5)
    drawn = draw_colours(rng)
    colours = drawn if jitter < settings.colour_jitter else UNCHANGED
    return Augmentation(
        short_side=max(settings.size, round(settings.short_side * scale)),
        top=float(top),
        left=float(left),
        flip=bool(flip < settings.flip),
        colours=colours._replace(saturation=0.0) if drop < settings.colour_drop else colours,
    )


def draw_colours(rng: np.random.Generator) -> ColourChange:
    """Draws a change of colours."""
    return ColourChange(
        rng.uniform(-_BRIGHTNESS, _BRIGHTNESS),
        rng.uniform(*_CONTRAST),
        rng.uniform(*_SATURATION),
        rng.uniform(-_HUE, _HUE),
    )


def centred(settings: VideoSettings) -> Augmentation:
    """What evaluation does: the middle of the frames, unchanged."""
    return Augmentation(settings.short_side)


def beside(settings: VideoSettings, count: int) -> list[Augmentation]:
    """Crops side by side along the longer side of the frames: with three, its start, middle and end."""
    places = [number / (count - 1) for number in range(count)]
    return [Augmentation(settings.short_side, top=place, left=place) for place in places]


def apply_augmentation(
    frames: NDArray[np.uint8],
    change: Augmentation,
    size: int,
    augment: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None = None,
) -> Tensor:
    """Crops, flips and colours frames that have been scaled to `change.short_side`.

    Args:
        frames: (T, H, W, 3) RGB.
        change: what to do.
        size: side of the crop, in pixels.
        augment: changes the cropped bytes before the colours.

    Returns:
        (3, T, size, size) float32 in [-1, 1].
    """
    height, width = frames.shape[1:3]
    assert min(height, width) >= size, f"frames of {width}x{height} hold no square of {size}"
    top, left = round(change.top * (height - size)), round(change.left * (width - size))
    window = frames[:, top : top + size, left : left + size]
    window = window[:, :, ::-1] if change.flip else window
    video = frames_to_tensor(window if augment is None else augment(window))
    if change.colours == UNCHANGED:
        return video
    return change_colours(video[None], torch.tensor([change.colours]))[0]


def frames_to_tensor(frames: NDArray[np.uint8]) -> Tensor:
    """(..., T, H, W, 3) RGB as (..., 3, T, H, W) float32 in [-1, 1]."""
    return as_float({"video": torch.from_numpy(np.ascontiguousarray(frames))}, "video")


def as_float(batch: Mapping[str, Tensor], name: str) -> Tensor:
    """An input of a batch or a sample in [-1, 1]: `video` (..., 3, T, H, W), `image` (..., 3, H, W).

    Loaders give bytes, channels last, and for videos in training `video_colours`, (..., 4) as in
    `ColourChange`: a quarter of the memory to transfer, and the arithmetic is the device's. What is not in
    bytes is returned unchanged.
    """
    frames = batch[name]
    if frames.dtype != torch.uint8:
        return frames
    planes = frames.movedim(-1, -4 if name == "video" else -3)
    values = planes.to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1)
    if f"{name}_colours" not in batch:
        return values
    changed = change_colours(values.flatten(0, -5), batch[f"{name}_colours"].flatten(0, -2))
    return changed.view_as(values)


def change_colours(videos: Tensor, colours: Tensor) -> Tensor:
    """Brightness, saturation, contrast, then hue of each video; all stay in [-1, 1].

    All four are affine, contrast around the mean of each frame, so that one product does them.

    Args:
        videos: (N, 3, T, H, W) in [-1, 1].
        colours: (N, 4), each a `ColourChange`.
    """
    brightness, contrast, saturation, hue = colours.to(videos.dtype).T[..., None, None]
    as_it_is, cos, sin = _TURN.to(videos)
    turn = as_it_is + (2 * math.pi * hue).cos() * cos + (2 * math.pi * hue).sin() * sin
    # white stays white, so that what takes the colours away may come after the turn, and brightness last
    matrices = saturation * turn + (1 - saturation) * _GREY.to(videos)
    with torch.autocast(videos.device.type, enabled=False):  # colours have more than bfloat16's eight bits
        shift = (1 - contrast) * (matrices @ videos.mean(dim=(3, 4))) + 2 * brightness
        changed: Tensor = ((contrast * matrices) @ videos.flatten(2)).view_as(videos)
        return changed.add_(shift[..., None, None]).clamp_(-1, 1)
