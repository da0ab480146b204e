"""Samples of annotated images: scaled as for prediction, with the labels of the loss of a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from avtool.data.inputs.collate import scalar
from avtool.evaluation.dense_checks import read_annotated
from avtool.evaluation.dense_prediction import IGNORED
from avtool.models.seeds import derive
from avtool.models.zoo.dense_network import IGNORED_PIXEL, gives_classes, takes_masks
from avtool.models.zoo.dense_prediction import scale
from avtool.models.zoo.row import Row
from avtool.tasks.dense_prediction.annotated import AnnotatedImages

Sample = dict[str, Any]


class DenseSamples(Dataset[Sample]):
    """Images with boxes, masks of objects, or classes of pixels.

    Args:
        data: annotated images.
        row: what learns from them.
        names: the network's classes, in its order.
        processor: the library's scaling of images.
        seed: of the run.
        flip: probability of a horizontal flip; 0 for validation.
    """

    def __init__(
        self, data: AnnotatedImages, row: Row, names: Sequence[str], processor: Any, seed: int, flip: float
    ) -> None:
        self.data, self.row, self.names, self.processor = data, row, list(names), processor
        self._seed, self._flip, self._epoch = seed, flip, 0
        self.images = data.annotations.images
        self.sample_ids = [path.name for _, path in self.images]

    def set_epoch(self, epoch: int) -> None:
        """Draws the flips of an epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        number, path = self.images[index]
        image = read_annotated(self.data.annotations, number, path)
        rng = np.random.default_rng(derive(self._seed, "flip", self._epoch, index))
        flip = bool(rng.random() < self._flip)
        turned = np.ascontiguousarray(image[:, ::-1]) if flip else np.array(image)
        scaled = scale(self.processor, [turned])
        pixels = scaled["pixel_values"][0]
        mask = (
            scaled["pixel_mask"][0]
            if "pixel_mask" in scaled
            else torch.ones(pixels.shape[1:], dtype=torch.int64)
        )
        sample = {"image": pixels, "image_mask": mask, "index": scalar(index)}
        if self.row.task == "detection":
            return {**sample, **self._boxes(number, image.shape[:2], flip=flip)}
        size = int(mask[:, 0].sum()), int(mask[0].sum())
        return {**sample, **self._masks(number, image.shape[:2], size, flip=flip)}

    def _boxes(self, number: int, shape: tuple[int, int], *, flip: bool) -> Sample:
        """Classes, and boxes as centre and size relative to the image."""
        height, width = shape
        objects = self.data.objects[number]
        corners = torch.tensor([one["bbox"] for one in objects], dtype=torch.float32).reshape(-1, 4)
        begin = corners[:, :2].clamp(min=0)
        limit = torch.tensor([float(width), float(height)])
        end = torch.minimum(corners[:, :2] + corners[:, 2:], limit)
        boxes = torch.cat([(begin + end) / 2 / limit, (end - begin) / limit], dim=1)
        if flip:
            boxes[:, 0] = 1 - boxes[:, 0]
        return {"class_labels": self._classes_of(objects), "boxes": boxes}

    def _masks(self, number: int, shape: tuple[int, int], size: tuple[int, int], *, flip: bool) -> Sample:
        """The class of each pixel; or masks of objects, or of classes, each with its class."""
        annotations = self.data.annotations
        if not gives_classes(self.row):
            objects = self.data.objects[number]
            masks = [np.asarray(annotations.mask_of(number, one, shape), np.int64) for one in objects]
            stacked = np.stack(masks) if masks else np.zeros((0, *shape), np.int64)
            return {
                "class_labels": self._classes_of(objects),
                "mask_labels": _scaled(stacked, size, flip=flip).float(),
            }
        classes = annotations.classes_of_pixels(number, shape, self.names)
        scaled = _scaled(np.where(classes == IGNORED, IGNORED_PIXEL, classes)[None], size, flip=flip)[0]
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


def _scaled(masks: NDArray[np.int64], size: tuple[int, int], *, flip: bool) -> Tensor:
    """Masks (N, H, W) at another size, each pixel as its nearest one."""
    turned = torch.from_numpy(masks[..., ::-1].copy() if flip else masks)
    if not len(turned):
        return turned.new_zeros((0, *size))
    return functional.interpolate(turned[None].float(), size, mode="nearest-exact")[0].long()
