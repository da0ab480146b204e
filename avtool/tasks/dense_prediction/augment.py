"""Random geometry and colour of annotated images, by torchvision's transforms: boxes and masks follow."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision import tv_tensors  # type: ignore[import-untyped]
from torchvision.transforms import v2  # type: ignore[import-untyped]
from torchvision.transforms.v2 import functional  # type: ignore[import-untyped]

from avtool.models.zoo.dense_network import IGNORED_PIXEL
from avtool.tasks.dense_prediction.recipe import DenseAugmentRecipe
from avtool.tasks.dense_prediction.samples import Truth

_ATTEMPTS = 10  # at a crop, as in mmsegmentation
_MOST_SIDES = 16  # how many times the wanted side a thin image may be long once it is scaled
_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE = 0.125, 0.5, 0.5, 0.05  # of SSD (Liu et al., 2016), section 2.2


class DenseAugmentation:
    """The random crop, scale and colour of a training image; flips are drawn apart.

    Args:
        recipe: what is drawn.
        side: of the square that is cut after scaling, in pixels.
        fill: (red, green, blue), 0 to 255, of what a crop lacks.
    """

    def __init__(self, recipe: DenseAugmentRecipe, side: int, fill: tuple[int, int, int]) -> None:
        self.recipe, self.side, self.fill = recipe, side, fill
        self._distort = _distortion(recipe.distort) if recipe.distort else None

    @classmethod
    def of_processor(cls, recipe: DenseAugmentRecipe, processor: Any) -> "DenseAugmentation":
        """The augmentation before an image processor of the library, of its side and mean colour."""
        red, green, blue = (round(255 * one) for one in processor.image_mean)
        side = getattr(processor.size, "shortest_edge", None) or processor.size.height
        return cls(recipe, side, (red, green, blue))

    def __call__(self, image: NDArray[np.uint8], truth: Truth, seed: int) -> tuple[NDArray[np.uint8], Truth]:
        """The changed image, and what is annotated of it; boxes and masks that are cut away are dropped.

        Args:
            image: (H, W, 3) RGB.
            truth: what is annotated of it.
            seed: decides every draw.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            sample = _wrapped(image, truth)
            if self.recipe.crop and float(torch.rand(())) < self.recipe.crop:
                sample = self._cropped(sample)
            if self.recipe.scales:
                sample = self._scaled_and_cut(sample)
            if self._distort is not None:
                sample["image"] = self._distort(sample["image"])
        return _unwrapped(_without_empty(sample))

    def _cropped(self, sample: dict[str, Any]) -> dict[str, Any]:
        """DETR's crop: of an image scaled to a drawn shorter side, a rectangle of drawn sides."""
        if self.recipe.crop_before:
            sides = self.recipe.crop_before
            sample = _scaled(sample, sides[int(torch.randint(len(sides), ()))])
        height, width = (_draw(self.recipe.crop_sides, limit) for limit in sample["image"].shape[-2:])
        return _cut(sample, height, width)

    def _scaled_and_cut(self, sample: dict[str, Any]) -> dict[str, Any]:
        """Large-scale jitter: the shorter side times a drawn factor, then a square of `side`, filled up."""
        low, high = self.recipe.scales or (1.0, 1.0)
        sample = _scaled(sample, (low + (high - low) * float(torch.rand(()))) * self.side)
        height, width = (min(self.side, edge) for edge in sample["image"].shape[-2:])
        for _ in range(_ATTEMPTS):
            found = _cut(sample, height, width)
            if "pixels" not in found or _is_mixed(found["pixels"], self.recipe.max_share):
                break
        ground = IGNORED_PIXEL if "pixels" in found else 0
        fill = {tv_tensors.Image: list(self.fill), tv_tensors.Mask: ground}
        padded: dict[str, Any] = v2.Pad([0, 0, self.side - width, self.side - height], fill=fill)(found)
        return padded


def _scaled(sample: dict[str, Any], side: float) -> dict[str, Any]:
    """Scaled to a shorter side; a thin image to less, so that it fits into memory."""
    height, width = sample["image"].shape[-2:]
    factor = min(side / min(height, width), _MOST_SIDES * side / max(height, width))
    size = [max(1, round(edge * factor)) for edge in (height, width)]
    found: dict[str, Any] = v2.Resize(size, antialias=True)(sample)
    return found


def _distortion(probability: float) -> Callable[[Any], Any]:
    """Brightness, contrast, saturation and hue, each with a probability; contrast comes second or last."""

    def maybe(**ranges: float) -> Any:
        return v2.RandomApply([v2.ColorJitter(**ranges)], p=probability)

    contrast, colour = maybe(contrast=_CONTRAST), [maybe(saturation=_SATURATION), maybe(hue=_HUE)]
    orders = [v2.Compose([contrast, *colour]), v2.Compose([*colour, contrast])]
    found: Callable[[Any], Any] = v2.Compose([maybe(brightness=_BRIGHTNESS), v2.RandomChoice(orders)])
    return found


def _draw(sides: tuple[int, int], limit: int) -> int:
    """A side from the range, both ends included, within the image."""
    low, high = (min(side, limit) for side in sides)
    return int(torch.randint(low, high + 1, ()))


def _cut(sample: Mapping[str, Any], height: int, width: int) -> dict[str, Any]:
    """A rectangle at a drawn place."""
    rows, columns = sample["image"].shape[-2:]
    top = int(torch.randint(0, rows - height + 1, ()))
    left = int(torch.randint(0, columns - width + 1, ()))
    return {
        name: functional.crop(value, top, left, height, width)
        if isinstance(value, tv_tensors.TVTensor)
        else value
        for name, value in sample.items()
    }


def _is_mixed(pixels: Tensor, max_share: float) -> bool:
    """Whether there are several classes, none of which fills more than a share of the pixels that count."""
    counts = torch.bincount(pixels[pixels != IGNORED_PIXEL].flatten())
    counts = counts[counts > 0]
    return max_share >= 1 or (len(counts) > 1 and float(counts.max() / counts.sum()) < max_share)


def _without_empty(sample: dict[str, Any]) -> dict[str, Any]:
    if "boxes" in sample:
        sample = v2.SanitizeBoundingBoxes(labels_getter=lambda one: one["objects"])(sample)
    if "masks" in sample:
        seen = sample["masks"].flatten(1).any(dim=1)
        sample = {
            name: value[seen] if name in {"masks", "boxes", "objects"} else value
            for name, value in sample.items()
        }
    return sample


def _wrapped(image: NDArray[np.uint8], truth: Truth) -> dict[str, Any]:
    """The kinds of tensor that torchvision's transforms distinguish."""
    sample: dict[str, Any] = {**truth, "image": tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1))}
    if "boxes" in truth:
        size = (image.shape[0], image.shape[1])
        sample["boxes"] = tv_tensors.BoundingBoxes(truth["boxes"], format="XYXY", canvas_size=size)
    if "masks" in truth:
        sample["masks"] = tv_tensors.Mask(truth["masks"])
    if "pixels" in truth:
        sample["pixels"] = tv_tensors.Mask(truth["pixels"][None])
    return sample


def _unwrapped(sample: Mapping[str, Any]) -> tuple[NDArray[np.uint8], Truth]:
    plain = {name: torch.as_tensor(value).as_subclass(Tensor) for name, value in sample.items()}
    image = plain.pop("image").permute(1, 2, 0).contiguous().numpy()
    if "pixels" in plain:
        plain["pixels"] = plain["pixels"][0]
    return image, plain
