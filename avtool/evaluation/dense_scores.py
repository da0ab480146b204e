"""Scores of a detector or segmenter over annotated images: average precision of objects, or mean IoU."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.reporter import Reporter
from avtool.evaluation.dense_checks import read_annotated
from avtool.evaluation.dense_prediction import CocoAnnotations, PixelConfusion, average_precision, encoded

if TYPE_CHECKING:
    from avtool.models.zoo.dense_prediction import DensePredictor, Found


def score_images(
    predictor: "DensePredictor",
    annotations: CocoAnnotations,
    batch: int,
    threshold: float,
    reporter: Reporter,
) -> dict[str, float]:
    """COCO's average precision of boxes or of the masks of objects, or the mean IoU of classes of pixels.

    Args:
        predictor: whose classes meet the annotations' by their names.
        annotations: of the images.
        batch: images at a time.
        threshold: smallest score of an object.
        reporter: receives progress.

    Returns:
        From 0 to 1 by name; NaN where there are no objects of a size.
    """
    found = _predict(predictor, annotations, batch, threshold, reporter)
    if predictor.gives_classes:
        return _mean_iou(predictor, annotations, found)
    return _precision(annotations, found, boxes=predictor.row.task == "detection")


def _predict(
    predictor: "DensePredictor", annotations: CocoAnnotations, size: int, threshold: float, reporter: Reporter
) -> Iterator[tuple[int, "Found"]]:
    """What was found in each image, by the image's number."""
    images = annotations.images
    with reporter.progress("scoring", len(images)) as bar:
        for begin in range(0, len(images), size):
            batch = images[begin : begin + size]
            pixels = [read_annotated(annotations, number, path) for number, path in batch]
            for (number, _), one in zip(batch, predictor.predict(pixels, threshold), strict=True):
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
