"""Augmentation of video windows: what is drawn once for a window changes all of its frames alike."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avtool.data.video_settings import VideoSettings

# Bounds of TensorFlow's colour augmentation as video models use it.
_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE = 32 / 255, (0.6, 1.4), (0.6, 1.4), 0.2
_GREY = np.array([0.299, 0.587, 0.114])
_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)


@dataclass(frozen=True, slots=True)
class ColourChange:
    """A drawn change of colours; hue in turns of the colour circle."""

    brightness: float
    contrast: float
    saturation: float
    hue: float


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is done to a window.

    Attributes:
        short_side: pixels to scale the shorter side to.
        top, left: where the crop is between 0 and 1 of the room there is.
        flip: whether left and right are turned round.
        colours: how they change, or None.
        grey: whether they are taken away.
    """

    short_side: int
    top: float = 0.5
    left: float = 0.5
    flip: bool = False
    colours: ColourChange | None = None
    grey: bool = False


def draw_augmentation(settings: VideoSettings, rng: np.random.Generator) -> Augmentation:
    """Draws what training does to a window; every draw takes the same number of random numbers."""
    scale = math.exp(rng.uniform(*np.log(settings.scale)))
    top, left, flip, jitter, grey = rng.random(5)
    colours = draw_colours(rng)
    return Augmentation(
        short_side=max(settings.size, round(settings.short_side * scale)),
        top=float(top),
        left=float(left),
        flip=bool(flip < settings.flip),
        colours=colours if jitter < settings.colour_jitter else None,
        grey=bool(grey < settings.colour_drop),
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


def apply_augmentation(frames: NDArray[np.uint8], change: Augmentation, size: int) -> Tensor:
    """Crops, flips and colours frames that have been scaled to `change.short_side`.

    Args:
        frames: (T, H, W, 3) RGB.
        change: what to do.
        size: side of the crop, in pixels.

    Returns:
        (3, T, size, size) float32 in [-1, 1].
    """
    height, width = frames.shape[1:3]
    assert min(height, width) >= size, f"frames of {width}x{height} hold no square of {size}"
    top, left = round(change.top * (height - size)), round(change.left * (width - size))
    video = video_tensor(frames[:, top : top + size, left : left + size], change.flip)
    if change.colours is not None:
        video = change_colours(video, change.colours)
    return grey_of(video).expand_as(video) if change.grey else video


def video_tensor(pictures: NDArray[np.uint8], flip: bool = False) -> Tensor:
    """(T, H, W, 3) RGB as (3, T, H, W) float32 in [-1, 1]."""
    turned = pictures[:, :, ::-1] if flip else pictures
    planes = np.ascontiguousarray(turned.transpose(3, 0, 1, 2))
    return torch.from_numpy(planes).float().div_(127.5).sub_(1)


def change_colours(video: Tensor, change: ColourChange) -> Tensor:
    """Brightness, saturation, contrast, then hue; (3, T, H, W) in [-1, 1] stays in it.

    All four are affine, contrast around the mean of each frame, so that one product does them.
    """
    saturate = change.saturation * np.eye(3) + (1 - change.saturation) * _GREY
    angle = 2 * math.pi * change.hue
    cos, sin = math.cos(angle), math.sin(angle)
    turn = _FROM_YIQ @ np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]]) @ _TO_YIQ
    matrix = torch.from_numpy((turn @ saturate).astype(np.float32))
    # white stays white under both, so that brightness can be added at the end
    shift = (1 - change.contrast) * (matrix @ video.mean(dim=(2, 3))) + 2 * change.brightness
    changed = (change.contrast * matrix @ video.flatten(1)).view_as(video)
    return changed.add_(shift[:, :, None, None]).clamp_(-1, 1)


def grey_of(video: Tensor) -> Tensor:
    """The luminance of (3, T, H, W), as (1, T, H, W)."""
    weights = torch.from_numpy(_GREY.astype(np.float32))
    return (weights @ video.flatten(1)).view(1, *video.shape[1:])
