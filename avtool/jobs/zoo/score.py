"""Scores of a detector or segmenter of the zoo on COCO-style annotations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.evaluation.dense_prediction import (
    CocoAnnotations,
    PixelConfusion,
    average_precision,
    encoded,
)
from avtool.jobs.zoo.run import RunRecipe, open_predictor
from avtool.media.still_images import read_image

if TYPE_CHECKING:
    from avtool.models.zoo.dense_prediction import DensePredictor, Found


@dataclass(frozen=True)
class DenseScores:
    """Metrics by name, from 0 to 1.

    Attributes:
        metrics: COCO's average precision, or mIoU.
        images: that were scored.
        unknown: classes of the network that the annotations do not have.
    """

    metrics: Mapping[str, float]
    images: int
    unknown: Sequence[str]


def score(
    name: str,
    file: Path,
    recipe: RunRecipe,
    reporter: Reporter,
    *,
    images: Path | None = None,
    weights: Path | None = None,
    pretrained: bool = False,
    options: Mapping[str, Any] | None = None,
    classes: Sequence[str] = (),
) -> DenseScores:
    """Scores a row on annotated images; classes meet by their names.

    Args:
        name: the row's name or key.
        file: COCO-style annotations of instances.
        recipe: how the row is run; its threshold holds for objects.
        reporter: receives progress.
        images: folder of the images.
        weights: file of weights.
        pretrained: take the published weights.
        options: keyword arguments of the row's builder.
        classes: names of the network's classes; empty for those of published weights, or the annotations'.

    Raises:
        BadInputError: row, weights or annotations are wrong, or have no class in common.
        MissingError: pycocotools, the device or the hub is not there.
    """
    annotations = CocoAnnotations(file, images)
    known = list(annotations.categories.values())
    predictor = open_predictor(
        name, recipe, reporter, weights=weights, pretrained=pretrained, options=options,
        classes=classes or ([] if pretrained else known),
    )  # fmt: skip
    if not set(predictor.names) & set(known):
        message = f"no class of the network is one of `{file}`: {', '.join(known[:5])}"
        raise BadInputError(message, "name the network's classes by --classes FILE")
    found = _predict(predictor, annotations, recipe, reporter)
    if predictor.gives_classes:
        metrics = _mean_iou(predictor, annotations, found)
    else:
        metrics = _precision(annotations, found, boxes=predictor.row.task == "detection")
    unknown = [one for one in predictor.names if one not in known]
    return DenseScores(metrics, len(annotations.images), unknown)


def _predict(
    predictor: "DensePredictor", annotations: CocoAnnotations, recipe: RunRecipe, reporter: Reporter
) -> Iterator[tuple[int, "Found"]]:
    """What was found in each image, by the image's number."""
    from avtool.inference.windows import in_batches

    with reporter.progress("scoring", len(annotations.images)) as bar:
        for batch in in_batches(annotations.images, recipe.batch):
            pixels = [read_image(path) for _, path in batch]
            for (number, _), one in zip(batch, predictor.predict(pixels, recipe.threshold), strict=True):
                yield number, one
                bar.advance()


def _precision(
    annotations: CocoAnnotations, found: Iterator[tuple[int, "Found"]], *, boxes: bool
) -> dict[str, float]:
    """COCO's average precision of boxes, or of the masks of objects."""
    numbers = {name: number for number, name in annotations.categories.items()}
    detections: list[dict[str, Any]] = []
    for image, one in found:
        for box in one.boxes if boxes else ():
            corner = [box.left, box.top, box.right - box.left, box.bottom - box.top]
            detections.append({"image_id": image, "label": box.label, "score": box.score, "bbox": corner})
        detections += [
            {"image_id": image, "label": segment.label, "score": segment.score or 0.0,
             "segmentation": encoded(segment.mask)}
            for segment in (() if boxes else one.segments)
        ]  # fmt: skip
    kept = [{**one, "category_id": numbers[one["label"]]} for one in detections if one["label"] in numbers]
    return average_precision(annotations, kept, "bbox" if boxes else "segm")


def _mean_iou(
    predictor: "DensePredictor", annotations: CocoAnnotations, found: Iterator[tuple[int, "Found"]]
) -> dict[str, float]:
    """Mean IoU of the classes of pixels."""
    confusion = PixelConfusion(predictor.names)
    for image, one in found:
        shape = one.segments[0].mask.shape
        predicted = np.zeros(shape, np.int64)
        for segment in one.segments:
            predicted[segment.mask] = predictor.names.index(segment.label)
        confusion.add(annotations.classes_of_pixels(image, shape, predictor.names), predicted)
    return confusion.scores()
