"""Scores of a detector or segmenter of the zoo on COCO-style annotations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.evaluation.dense_checks import check_annotations, without_empty_boxes
from avtool.evaluation.dense_prediction import CocoAnnotations
from avtool.evaluation.dense_scores import score_images
from avtool.jobs.zoo.predictor import open_predictor
from avtool.jobs.zoo.recipes import ScoreRecipe


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
    recipe: ScoreRecipe,
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
    check_annotations(file, annotations)
    known = list(annotations.categories.values())
    predictor = open_predictor(
        name, recipe, reporter, weights=weights, pretrained=pretrained, options=options,
        classes=classes, default_classes=[] if pretrained else known,
    )  # fmt: skip
    if not set(predictor.names) & set(known):
        message = f"no class of the network is one of `{file}`: {', '.join(known[:5])}"
        raise BadInputError(message, "name the network's classes by --classes FILE")
    if not predictor.gives_classes and (empty := without_empty_boxes(annotations)):
        reporter.warn(f"boxes of `{file}` without an area are skipped: {empty}")
    metrics = score_images(predictor, annotations, recipe.batch, recipe.threshold, reporter)
    unknown = [one for one in predictor.names if one not in known]
    return DenseScores(metrics, len(annotations.images), unknown)
