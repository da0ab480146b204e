"""What a prompt tuning leaves in its run: the drawn files, scores, predictions and the confusion matrix."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avtool.core.files import write_csv, write_json
from avtool.evaluation.metrics.single_label import class_accuracies, confusion_matrix
from avtool.evaluation.report_figures import class_figure, confusion_figure
from avtool.tasks.clip_prompts.images import FewShotImages
from avtool.training.report import Figure, Section

if TYPE_CHECKING:
    from avtool.tasks.clip_prompts.samples import ImageScores

_MOST_CLASSES = 60
_TOP = 5


def write_scores(
    run: Path, images: FewShotImages, scores: "ImageScores | None", method: str
) -> Sequence[Section]:
    """Writes `fewshot.json`, and of scored images `metrics.json`, `predictions.csv` and `confusion.csv`.

    Args:
        run: the run's folder.
        images: what was drawn and scored.
        scores: of the scored images; None without any.
        method: that was tuned.

    Returns:
        The sections of the run's page.
    """
    write_json(run / "fewshot.json", dict(images.drawn))
    if scores is None or images.test is None:
        return ()
    metrics = {"method": method, "protocol": images.protocol, **scores.metrics()}
    write_json(run / "metrics.json", metrics)
    predicted = scores.logits.argmax(axis=1)
    confusion = confusion_matrix(scores.labels, predicted, len(images.classes))
    rows = ([name, *counts] for name, counts in zip(images.classes, confusion.tolist(), strict=True))
    write_csv(run / "confusion.csv", ["label", *images.classes], rows)
    _write_predictions(run / "predictions.csv", images, scores)
    shares = class_accuracies(confusion)
    known = [(name, float(v)) for name, v in zip(images.classes, shares, strict=True) if np.isfinite(v)]
    lowest = sorted(known, key=lambda pair: pair[1])[:_MOST_CLASSES]
    figures: list[Figure] = [("accuracy in %", class_figure(lowest))] if lowest else []
    sections = [Section("Classes", f"Of the scored images. {images.protocol}.", figures)]
    if len(images.classes) <= _MOST_CLASSES:
        matrix = confusion_figure(images.classes, confusion.tolist())
        sections.append(Section("Confusion matrix", "", [("", matrix)]))
    return sections


def _write_predictions(path: Path, images: FewShotImages, scores: "ImageScores") -> None:
    assert images.test is not None
    wide = scores.logits.astype(np.float64)
    shares = np.exp(wide - wide.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    order = np.argsort(-wide, axis=1, kind="stable")[:, :_TOP]
    rows = (
        [clip.media, clip.labels[0], images.classes[best[0]], round(float(share[best[0]]), 4),
         " | ".join(images.classes[one] for one in best)]
        for clip, best, share in zip(images.test, order, shares, strict=True)
    )  # fmt: skip
    write_csv(path, ["image", "label", "prediction", "probability", "top_5"], rows)
