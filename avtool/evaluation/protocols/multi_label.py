"""mAP, mAUC and d′ of predictions with several labels a clip."""

import math

from avtool.core.reporter import Reporter
from avtool.evaluation.metrics.multi_label import MultiLabelScores, Unlabelled, score_multi_label
from avtool.evaluation.mistakes import false_alarms
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport, Table

_SHOWN_CLASSES = 10


def evaluate_multi_label(
    predictions: Predictions,
    facts: BenchmarkFacts,
    reporter: Reporter,
    name: str = "ours",
    unlabelled: Unlabelled = "skip",
) -> BenchmarkReport:
    """Scores predictions class by class.

    Args:
        predictions: with labels.
        facts: of the benchmark.
        reporter: warned of classes without a clip.
        name: of the predictions, in tables.
        unlabelled: what clips without a label among the classes are; their number is stated.

    Raises:
        BadInputError: no label is a class of the model.
    """
    truth = predictions.multi_hot()
    without = int((~truth.any(axis=1)).sum())
    scores = score_multi_label(truth, predictions.scores, unlabelled)
    skipped = len(truth) - scores.num_clips
    facts, caveats = facts.against(scores.num_clips, len(predictions.classes))
    notes = facts.coverage(scores.num_clips)
    if without:
        are = "are skipped" if skipped else "are negatives of every class"
        notes.append(f"{without} clips have no label among the model's classes and {are}.")
    if scores.excluded:
        names = ", ".join(predictions.classes[index] for index in scores.excluded)
        notes.append(
            f"Classes without a positive clip, excluded from the means ({len(scores.excluded)}): {names}."
        )
        reporter.warn(f"{len(scores.excluded)} of {len(predictions.classes)} classes have no positive clip")
    ours = {
        "mAP": 100 * scores.mean_average_precision, "mAUC": 100 * scores.mean_area, "d′": scores.d_prime
    }  # fmt: skip
    return BenchmarkReport(
        headline=(
            f"mAP {ours['mAP']:.2f} %, mAUC {ours['mAUC']:.2f} %, d′ {ours['d′']:.3f} over "
            f"{scores.num_scored} of {len(predictions.classes)} classes and {scores.num_clips} clips"
        ),
        metrics=_metrics(predictions.classes, scores, skipped),
        tables=[
            comparison(f"{facts.title}: mAP and mAUC in %", facts.published, [(name, "", ours)]),
            _class_table(predictions.classes, scores),
        ],
        notes=[*notes, *facts.closing_notes()],
        mistakes=false_alarms(predictions),
        caveats=caveats,
    )


def _metrics(classes: tuple[str, ...], scores: MultiLabelScores, skipped: int) -> dict[str, object]:
    per_class = [
        {"class": label, "average_precision": _known(ap), "area_under_roc": _known(area), "clips": count}
        for label, ap, area, count in zip(
            classes, scores.average_precision, scores.area_under_roc, scores.num_positives, strict=True
        )
    ]
    return {
        "mAP": _known(scores.mean_average_precision),
        "mAUC": _known(scores.mean_area),
        "d_prime": _known(scores.d_prime),
        "clips": scores.num_clips,
        "clips_skipped": skipped,
        "classes_scored": scores.num_scored,
        "classes_excluded": [classes[index] for index in scores.excluded],
        "per_class": per_class,
    }


def _known(value: float) -> float | None:
    """A number as JSON has it."""
    return float(value) if math.isfinite(value) else None


def _class_table(classes: tuple[str, ...], scores: MultiLabelScores) -> Table:
    """The best and the worst classes."""
    order = sorted(
        (index for index in range(len(classes)) if index not in set(scores.excluded)),
        key=lambda index: (-scores.average_precision[index], index),
    )
    title = f"average precision in %, {len(order)} classes"
    if len(order) > 2 * _SHOWN_CLASSES:
        order = order[:_SHOWN_CLASSES] + order[-_SHOWN_CLASSES:]
        title = f"average precision in %, the {_SHOWN_CLASSES} best and the {_SHOWN_CLASSES} worst classes"
    rows = [
        [classes[index], scores.num_positives[index], round(100 * float(scores.average_precision[index]), 1)]
        for index in order
    ]
    return Table(title, ["class", "clips", "AP"], rows)
