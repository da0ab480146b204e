"""RandAugment and random erasing of images and videos, by timm's operations: every frame changes alike."""

import random
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avtool.core.requirements import require

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LARGEST_SHIFT = 0.45  # of the side
_LARGEST_MAGNITUDE = 9.99  # at 10, timm keeps no bit of a posterised image, which Pillow refuses


@dataclass(frozen=True)
class RandAugment:
    """RandAugment (Cubuk et al., 2020).

    Attributes:
        policy: in timm's notation, such as `rand-m9-mstd0.5-inc1`.
        size: side of the frames, in pixels.

    Raises:
        MissingError: timm is not installed.
    """

    policy: str
    size: int

    def __call__(self, frames: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Changes the frames (T, H, W, 3) of a window, all by the same operations.

        Args:
            frames: RGB.
            rng: draws the operations, which timm takes from the generators of Python and NumPy.
        """
        from PIL import Image

        seed = int(rng.integers(2**32))
        changed = []
        for frame in frames:
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            changed.append(np.asarray(self._transform(Image.fromarray(np.ascontiguousarray(frame)))))
        return np.stack(changed)

    @cached_property
    def _transform(self) -> Any:
        from PIL import Image

        settings = {
            "translate_const": int(_LARGEST_SHIFT * self.size),
            "img_mean": tuple(round(255 * value) for value in _MEAN),
            "interpolation": Image.Resampling.BICUBIC,
            **({} if "-mmax" in self.policy else {"magnitude_max": _LARGEST_MAGNITUDE}),
        }
        return require("timm.data.auto_augment", "hub").rand_augment_transform(self.policy, settings)


def erase(frames: Tensor, probability: float) -> Tensor:
    """Random erasing (Zhong et al., 2020): a rectangle of each sample becomes noise, in all of its frames.

    The noise is normal in units of ImageNet's mean and deviation, as published.

    Args:
        frames: images (B, 3, H, W) or videos (B, 3, T, H, W) in [-1, 1].
        probability: of erasing a sample.

    Raises:
        MissingError: timm is not installed.
    """
    timm = require("timm.data.random_erasing", "hub")
    drawn = torch.full_like(frames, torch.nan).flatten(1, -3)
    timm.RandomErasing(probability, mode="pixel", device=frames.device)(drawn)
    noise = drawn.view_as(frames)
    shape = (3, *(1,) * (frames.dim() - 2))
    mean, std = (frames.new_tensor(values).view(shape) for values in (_MEAN, _STD))
    return torch.where(noise.isnan(), frames, 2 * (mean + std * noise) - 1)
