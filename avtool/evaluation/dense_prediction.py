"""Scores of boxes and masks on COCO-style annotations: average precision by pycocotools, and mean IoU."""

import contextlib
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avtool.core.arrays import Ints
from avtool.core.errors import BadInputError
from avtool.core.requirements import require

Kind = Literal["bbox", "segm"]
BACKGROUND = "background"
"""The class of pixels without an annotation, where a network has it."""
IGNORED = -1
"""Of pixels that do not count."""
_VOID = 255  # of a PNG
_METRICS = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")


class CocoAnnotations:
    """Annotated images of a COCO-style file of instances.

    Args:
        file: JSON with `images`, `annotations` and `categories`.
        folder: of the images; None for that of the file, or `images` beside it or its folder.
        masks: folder of a PNG an image, of its name, whose values are category ids; 0 is no category, 255
            does not count. None for the masks of the annotations.

    Raises:
        BadInputError: it is no such file, a name leaves the folder, or images are missing.
        MissingError: pycocotools is absent.
    """

    def __init__(self, file: Path, folder: Path | None = None, masks: Path | None = None) -> None:
        self.file, self.masks = file, masks
        coco = require("pycocotools.coco", "detect")
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                self.api: Any = coco.COCO(str(file))
            self.categories = {one["id"]: str(one["name"]) for one in self.api.loadCats(self.api.getCatIds())}
            images = [self.api.imgs[number] for number in sorted(self.api.imgs)]
            names = [str(one["file_name"]) for one in images]
        except OSError as error:
            raise BadInputError(f"`{file}` cannot be read: {error.strerror}", "give COCO's JSON") from error
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            message = f"`{file}` is no COCO-style file of instances ({type(error).__name__}: {error})"
            raise BadInputError(message, "it has images, annotations and categories") from error
        if not names or not self.categories:
            raise BadInputError(f"`{file}` has no images or no categories", "give COCO's JSON of instances")
        for name in names:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                message = f"`{file}`: the image `{name}` is outside the folder of images"
                raise BadInputError(message, "file_name is relative to that folder")
        split = file.stem.removeprefix("instances_")
        own = [file.parent, file.parent / "images", *(file.parent.parent / one for one in ("images", split))]
        places = [folder] if folder else own
        found = next((place for place in places if (place / names[0]).is_file()), None)
        if found is None:
            raise BadInputError(f"there is no `{names[0]}` in `{places[0]}`", "give --images FOLDER")
        self.images = [(one["id"], found / name) for one, name in zip(images, names, strict=True)]

    def classes_of_pixels(self, image: int, shape: tuple[int, int], names: Sequence[str]) -> Ints:
        """(height, width) the place of each pixel's class in `names`; later annotations lie above earlier.

        Pixels without an annotation are background where `names` has it; else they do not count.
        """
        rest = names.index(BACKGROUND) if BACKGROUND in names else IGNORED
        if self.masks is not None:
            return self._classes_of_png(image, shape, names, rest)
        classes = np.full(shape, rest, np.int64)
        for one in self.api.imgToAnns[image]:
            name = self.categories[one["category_id"]]
            mask = self.mask_of(image, one, shape)
            classes[mask] = names.index(name) if name in names and not one.get("iscrowd") else IGNORED
        return classes

    def mask_of(self, image: int, one: Mapping[str, Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
        """(height, width) the pixels of an annotation: of polygons or run lengths.

        Raises:
            BadInputError: it has none, or is of another size than the image.
        """
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)  # of its C
                mask = np.asarray(self.api.annToMask(dict(one)), bool)
        except Exception as error:
            name = f"`{self.file}`: annotation {one.get('id')}"
            message = f"{name} has no mask ({' '.join(str(error).split()) or type(error).__name__:.80})"
            raise BadInputError(message, "segmentation is polygons or run lengths") from error
        _check_shape(image, shape, mask.shape)
        return mask

    def _classes_of_png(self, image: int, shape: tuple[int, int], names: Sequence[str], rest: int) -> Ints:
        assert self.masks is not None
        path = self.masks / Path(self.api.imgs[image]["file_name"]).with_suffix(".png")
        try:
            with Image.open(path) as file:
                values = np.asarray(file)
        except (OSError, ValueError, SyntaxError) as error:
            raise BadInputError(f"`{path}` cannot be read as a mask", "give a PNG an image") from error
        if values.ndim != 2:
            raise BadInputError(f"`{path}` has colours", "a mask has one value a pixel: a category id")
        _check_shape(image, shape, values.shape)
        known = set(np.unique(values).tolist()) - {0, _VOID}
        if wrong := sorted(known - self.categories.keys()):
            message = f"`{path}` has the value {wrong[0]}, which is no category"
            raise BadInputError(message, "values are ids of `categories`, 0 or 255")
        classes = np.full(shape, rest, np.int64)
        classes[values == _VOID] = IGNORED
        for number in known:
            name = self.categories[number]
            classes[values == number] = names.index(name) if name in names else IGNORED
        return classes


def _check_shape(image: int, shape: tuple[int, int], mask: tuple[int, ...]) -> None:
    if mask != shape:
        sizes = ["x".join(map(str, one)) for one in (shape, mask)]
        message = f"image {image} has {sizes[0]} pixels, its masks {sizes[1]}"
        raise BadInputError(message, "correct width and height in the annotations")


def average_precision(
    annotations: CocoAnnotations, detections: Sequence[Mapping[str, Any]], kind: Kind
) -> dict[str, float]:
    """COCO's average precision, from 0 to 1: over IoU from .5 to .95, at .5 and .75, by size of the object.

    Args:
        annotations: of all images that were searched.
        detections: in COCO's form of results: image_id, category_id, score, and bbox or segmentation.
        kind: boxes or masks.

    Returns:
        By name; NaN where there are no objects of a size.
    """
    if not detections:
        return dict.fromkeys(_METRICS, 0.0)
    evaluation = require("pycocotools.cocoeval", "detect")
    with contextlib.redirect_stdout(io.StringIO()):
        scored = evaluation.COCOeval(annotations.api, annotations.api.loadRes(list(detections)), kind)
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    values = [float(value) for value in scored.stats[: len(_METRICS)]]
    return {name: value if value >= 0 else float("nan") for name, value in zip(_METRICS, values, strict=True)}


def encoded(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A mask (height, width) as COCO's run lengths."""
    coding = require("pycocotools.mask", "detect")
    found: dict[str, Any] = coding.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {**found, "counts": found["counts"].decode("ascii")}


class PixelConfusion:
    """The confusion matrix of pixels, image by image.

    Args:
        names: of the classes.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.counts = np.zeros((len(names), len(names)), np.int64)

    def add(self, true: Ints, predicted: Ints) -> None:
        """Counts the pixels of an image, (height, width) places of classes; those of no class are skipped."""
        from sklearn.metrics import confusion_matrix

        counts = true != IGNORED
        if counts.any():
            labels = range(len(self.names))
            self.counts += confusion_matrix(true[counts], predicted[counts], labels=list(labels))

    def scores(self) -> dict[str, float]:
        """Mean IoU over the classes that occur in annotations or predictions, and accuracy of pixels."""
        right = np.diag(self.counts).astype(np.float64)
        union = self.counts.sum(axis=0) + self.counts.sum(axis=1) - right
        present = union > 0
        total = max(1, int(self.counts.sum()))
        mean = float((right[present] / union[present]).mean()) if present.any() else float("nan")
        return {"mIoU": mean, "pixel_accuracy": float(right.sum() / total)}
