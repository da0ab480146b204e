"""Samples of annotated images: scaled as for prediction, with the labels of the loss of a row."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from avtool.core.errors import BadInputError
from avtool.data.inputs.collate import scalar
from avtool.evaluation.dense_checks import read_annotated
from avtool.evaluation.dense_prediction import IGNORED
from avtool.models.seeds import derive
from avtool.models.zoo.dense_network import IGNORED_PIXEL, gives_classes, takes_masks
from avtool.models.zoo.dense_prediction import processor_of, scale
from avtool.models.zoo.row import Row
from avtool.tasks.dense_prediction.annotated import AnnotatedImages
from avtool.tasks.dense_prediction.recipe import DenseAugmentRecipe

Sample = dict[str, Any]
Truth = dict[str, Tensor]
"""What is annotated of an image (H, W), by name:

- `boxes`: (N, 4) float, left, top, right and bottom in pixels.
- `masks`: (N, H, W) integers, 1 where a pixel is one of the object.
- `objects`: (N,) classes of the boxes or masks.
- `pixels`: (H, W) classes, 255 for those that do not count.
"""
Augmentation = Callable[[NDArray[np.uint8], Truth, int], tuple[NDArray[np.uint8], Truth]]


class DenseSamples(Dataset[Sample]):
    """Images with boxes, masks of objects, or classes of pixels.

    Args:
        data: annotated images.
        row: what learns from them.
        names: the network's classes, in its order.
        processor: the library's scaling of images.
        seed: of the run.
        flip: probability of a horizontal flip; 0 for validation.
        augmentation: changes an image and what is annotated of it by a seed; None for validation.
        processors: of other sides, one of which is drawn for an image; empty for `processor`.
    """

    def __init__(
        self,
        data: AnnotatedImages,
        row: Row,
        names: Sequence[str],
        processor: Any,
        seed: int,
        flip: float,
        augmentation: Augmentation | None = None,
        processors: Sequence[Any] = (),
    ) -> None:
        self.data, self.row, self.names, self.processor = data, row, list(names), processor
        self._seed, self._flip, self._epoch = seed, flip, 0
        self.images = data.annotations.images
        self.sample_ids = [path.name for _, path in self.images]
        self._augmentation, self._processors = augmentation, processors

    def set_epoch(self, epoch: int) -> None:
        """Draws the flips, crops and colours of an epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        number, path = self.images[index]
        image = np.array(read_annotated(self.data.annotations, number, path))
        truth = self._truth(number, image.shape[:2])
        if self._augmentation is not None:
            image, truth = self._augmentation(image, truth, self._draw("augment", index))
        rng = np.random.default_rng(self._draw("flip", index))
        flip = bool(rng.random() < self._flip)
        turned = np.ascontiguousarray(image[:, ::-1]) if flip else image
        scaled = scale(self._scaling(index), [turned])
        pixels = scaled["pixel_values"][0]
        mask = (
            scaled["pixel_mask"][0]
            if "pixel_mask" in scaled
            else torch.ones(pixels.shape[1:], dtype=torch.int64)
        )
        sample = {"image": pixels, "image_mask": mask, "index": scalar(index)}
        if self.row.task == "detection":
            return {**sample, **_relative(truth, image.shape[:2], flip=flip)}
        size = int(mask[:, 0].sum()), int(mask[0].sum())
        return {**sample, **self._masks(truth, size, flip=flip)}

    def _draw(self, what: str, index: int) -> int:
        return derive(self._seed, what, self._epoch, index)

    def _scaling(self, index: int) -> Any:
        """The image processor of a sample, whose side is drawn where there are several."""
        if not self._processors:
            return self.processor
        rng = np.random.default_rng(self._draw("side", index))
        return self._processors[int(rng.integers(len(self._processors)))]

    def _truth(self, number: int, shape: tuple[int, int]) -> Truth:
        """What is annotated of an image, in its own pixels."""
        annotations, objects = self.data.annotations, self.data.objects[number]
        if self.row.task == "detection":
            corners = torch.tensor([one["bbox"] for one in objects], dtype=torch.float32).reshape(-1, 4)
            limit = torch.tensor([float(shape[1]), float(shape[0])])
            end = torch.minimum(corners[:, :2] + corners[:, 2:], limit)
            return {
                "boxes": torch.cat([corners[:, :2].clamp(min=0), end], dim=1),
                "objects": self._classes_of(objects),
            }
        if not gives_classes(self.row):
            masks = [np.asarray(annotations.mask_of(number, one, shape), np.int64) for one in objects]
            stacked = np.stack(masks) if masks else np.zeros((0, *shape), np.int64)
            return {"masks": torch.from_numpy(stacked), "objects": self._classes_of(objects)}
        classes = annotations.classes_of_pixels(number, shape, self.names)
        return {"pixels": torch.from_numpy(np.where(classes == IGNORED, IGNORED_PIXEL, classes))}

    def _masks(self, truth: Truth, size: tuple[int, int], *, flip: bool) -> Sample:
        """The class of each pixel; or masks of objects, or of classes, each with its class."""
        if "masks" in truth:
            return {
                "class_labels": truth["objects"],
                "mask_labels": _scaled(truth["masks"], size, flip=flip).float(),
            }
        scaled = _scaled(truth["pixels"][None], size, flip=flip)[0]
        if not takes_masks(self.row):
            return {"labels": scaled}
        present = [one for one in torch.unique(scaled).tolist() if one != IGNORED_PIXEL]
        masks_of = torch.stack([scaled == one for one in present]) if present else torch.zeros(0, *size)
        return {"class_labels": torch.tensor(present, dtype=torch.int64), "mask_labels": masks_of.float()}

    def _classes_of(self, objects: Sequence[Mapping[str, Any]]) -> Tensor:
        categories = self.data.annotations.categories
        return torch.tensor(
            [self.names.index(categories[one["category_id"]]) for one in objects], dtype=torch.int64
        )


def processors_of(row: Row, augment: DenseAugmentRecipe) -> list[Any]:
    """An image processor of the library for each side that is drawn from; empty where none is.

    Raises:
        BadInputError: the row scales images to a square.
    """
    found = [processor_of(row, side, augment.longest) for side in augment.sides]
    if found and getattr(found[0].size, "shortest_edge", None) is None:
        message = f"`{row.name}` scales images to one square: augment.sides cannot be drawn"
        raise BadInputError(message, "set augment.scales, factors on the side, instead")
    return found


def collate_dense(samples: Sequence[Sample]) -> dict[str, Any]:
    """A batch: images padded below and to the right, their masks, and labels as the library takes them."""
    height, width = (max(sample["image"].shape[side] for sample in samples) for side in (1, 2))

    def padded(value: Tensor, fill: int) -> Tensor:
        more = (0, width - value.shape[-1], 0, height - value.shape[-2])
        return functional.pad(value, more, value=fill)

    labels: dict[str, Any]
    if "boxes" in samples[0]:
        labels = {"labels": [{key: sample[key] for key in ("class_labels", "boxes")} for sample in samples]}
    elif "mask_labels" in samples[0]:
        labels = {
            "mask_labels": [padded(sample["mask_labels"], 0) for sample in samples],
            "class_labels": [sample["class_labels"] for sample in samples],
        }
    else:
        labels = {"labels": torch.stack([padded(sample["labels"], IGNORED_PIXEL) for sample in samples])}
    return {
        "image": torch.stack([padded(sample["image"], 0) for sample in samples]),
        "image_mask": torch.stack([padded(sample["image_mask"], 0) for sample in samples]),
        "index": torch.stack([sample["index"] for sample in samples]),
        "labels": labels,
    }


def _relative(truth: Truth, shape: tuple[int, int], *, flip: bool) -> Sample:
    """Classes, and boxes as centre and size relative to the image."""
    begin, end = truth["boxes"][:, :2], truth["boxes"][:, 2:]
    limit = torch.tensor([float(shape[1]), float(shape[0])])
    boxes = torch.cat([(begin + end) / 2 / limit, (end - begin) / limit], dim=1)
    if flip:
        boxes[:, 0] = 1 - boxes[:, 0]
    return {"class_labels": truth["objects"], "boxes": boxes}


def _scaled(masks: Tensor, size: tuple[int, int], *, flip: bool) -> Tensor:
    """Masks (N, H, W) at another size, each pixel as its nearest one."""
    turned = masks.flip(-1) if flip else masks
    if not len(turned):
        return turned.new_zeros((0, *size))
    return functional.interpolate(turned[None].float(), size, mode="nearest-exact")[0].long()
