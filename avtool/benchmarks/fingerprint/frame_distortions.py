"""Distortions of frames: recompression, scaling, blur, bars, mirrors, lost frames."""

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from avtool.benchmarks.fingerprint.recording import Frames

FrameDistortion = Callable[[Frames, np.random.Generator], Frames]
"""((frames, height, width, 3), generator) → frames of the same shape; what is drawn is drawn once."""
_JPEG_QUALITY = (10, 50)
_CROP = 0.7
_BLUR_SIGMA = 2.0
_BRIGHTNESS = 0.4
_BAR = 0.15
_WORDS = "copy of a copy  12:34:56  "


def jpeg(frames: Frames, rng: np.random.Generator) -> Frames:
    """JPEG of a quality between 10 and 50."""
    quality = int(rng.integers(_JPEG_QUALITY[0], _JPEG_QUALITY[1] + 1))

    def recompress(frame: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        frame.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return _each(frames, recompress)


def half_size(frames: Frames, rng: np.random.Generator) -> Frames:  # noqa: ARG001
    """Scaled to half of the size, and back."""
    height, width = frames.shape[1:3]
    small = (max(1, width // 2), max(1, height // 2))
    return _each(frames, lambda p: p.resize(small, _AREA).resize((width, height), _CUBIC))


def centre_crop(frames: Frames, rng: np.random.Generator) -> Frames:  # noqa: ARG001
    """The middle 70 % of width and height, scaled up."""
    height, width = frames.shape[1:3]
    left, top = round((1 - _CROP) / 2 * width), round((1 - _CROP) / 2 * height)
    box = (left, top, width - left, height - top)
    return _each(frames, lambda p: p.crop(box).resize((width, height), _CUBIC))


def blur(frames: Frames, rng: np.random.Generator) -> Frames:  # noqa: ARG001
    """A Gaussian of two pixels."""
    return _each(frames, lambda p: p.filter(ImageFilter.GaussianBlur(_BLUR_SIGMA)))


def brightness(frames: Frames, rng: np.random.Generator) -> Frames:
    """40 % brighter, or darker."""
    factor = 1 + _BRIGHTNESS * (1 if rng.random() < 0.5 else -1)
    return np.clip(np.round(frames.astype(np.float32) * factor), 0, 255).astype(np.uint8)


def text_bar(frames: Frames, rng: np.random.Generator) -> Frames:  # noqa: ARG001
    """A black bar with words over the lowest 15 %."""
    height, width = frames.shape[1:3]
    top = round(height * (1 - _BAR))

    def cover(frame: Image.Image) -> Image.Image:
        draw = ImageDraw.Draw(frame)
        draw.rectangle((0, top, width, height), fill=(0, 0, 0))
        draw.text((4, top + 2), _WORDS * 3, fill=(255, 255, 255))
        return frame

    return _each(frames, cover)


def mirror(frames: Frames, rng: np.random.Generator) -> Frames:  # noqa: ARG001
    """Left and right turned round."""
    return np.ascontiguousarray(frames[:, :, ::-1])


def half_rate(frames: Frames, rng: np.random.Generator) -> Frames:  # noqa: ARG001
    """Every second frame shown twice."""
    return frames[np.arange(len(frames)) // 2 * 2]


FRAME_DISTORTIONS: Mapping[str, FrameDistortion] = {
    "JPEG 10-50": jpeg,
    "half size": half_size,
    "centre crop 70 %": centre_crop,
    "blur 2 px": blur,
    "brightness 40 %": brightness,
    "text bar 15 %": text_bar,
    "mirror": mirror,
    "half frame rate": half_rate,
}

_AREA, _CUBIC = Image.Resampling.BOX, Image.Resampling.BICUBIC


def _each(frames: Frames, change: Callable[[Image.Image], Image.Image]) -> Frames:
    return np.stack([np.asarray(change(Image.fromarray(frame)), np.uint8) for frame in frames])
