"""Augmentation of video windows: what is drawn once for a window changes all of its frames alike."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avtool.data.video_settings import VideoSettings

# Bounds of TensorFlow's colour augmentation as video models use it.
_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE = 32 / 255, (0.6, 1.4), (0.6, 1.4), 0.2
_GREY = torch.tensor([0.299, 0.587, 0.114])
_TO_YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


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
    window = frames[:, top : top + size, left : left + size]
    if change.flip:
        window = window[:, :, ::-1]
    pixels = torch.from_numpy(np.ascontiguousarray(window.transpose(3, 0, 1, 2))).float() / 255
    if change.colours is not None:
        pixels = change_colours(pixels, change.colours)
    if change.grey:
        pixels = grey_of(pixels).expand_as(pixels)
    return pixels * 2 - 1


def change_colours(pixels: Tensor, change: ColourChange) -> Tensor:
    """Brightness, saturation, contrast, then hue; (3, T, H, W) in [0, 1] stays in it."""
    pixels = pixels + change.brightness
    grey = grey_of(pixels)
    pixels = grey + change.saturation * (pixels - grey)
    mean = pixels.mean(dim=(2, 3), keepdim=True)
    pixels = mean + change.contrast * (pixels - mean)
    angle = 2 * math.pi * change.hue
    cos, sin = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])
    rotation = _from_yiq() @ turn @ _TO_YIQ
    changed: Tensor = rotation @ pixels.flatten(1)
    return changed.view_as(pixels).clamp_(0, 1)


@cache
def _from_yiq() -> Tensor:
    inverse: Tensor = torch.linalg.inv(_TO_YIQ)
    return inverse


def grey_of(pixels: Tensor) -> Tensor:
    """The luminance of (3, T, H, W), as (1, T, H, W)."""
    return (_GREY @ pixels.flatten(1)).view(1, *pixels.shape[1:])
