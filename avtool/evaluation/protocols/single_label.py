"""Top-1 and top-5 accuracy of predictions with one label a clip."""

from typing import Any

import numpy as np

from avtool.evaluation.metrics.intervals import mean_interval
from avtool.evaluation.metrics.ranks import ranks_of, share_within
from avtool.evaluation.metrics.single_label import class_accuracies, confusion_matrix
from avtool.evaluation.mistakes import worst_mistakes
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport, Table

_LARGEST_CONFUSION = 60
_SHOWN_CLASSES, _SHOWN_PAIRS = 20, 10


def evaluate_single_label(
    predictions: Predictions, facts: BenchmarkFacts, name: str = "ours", seed: int = 0
) -> BenchmarkReport:
    """Scores predictions by top-1 and top-5 accuracy.

    Args:
        predictions: with one label a clip.
        facts: of the benchmark.
        name: of the predictions, in tables.
        seed: of the bootstrap.

    Raises:
        BadInputError: a clip has no label, several, or one that is no class of the model.
    """
    labels = predictions.label_indices()[:, 0]
    ranks = ranks_of(predictions.scores, labels)
    top_1, top_5 = 100 * share_within(ranks, 1), 100 * share_within(ranks, 5)
    interval = mean_interval(ranks == 1, groups=groups_of(predictions), seed=seed)
    facts, caveats = facts.against(len(labels), len(predictions.classes))
    return BenchmarkReport(
        headline=(
            f"top-1 {top_1:.2f} % (95 % interval {100 * interval.low:.2f} to {100 * interval.high:.2f}), "
            f"top-5 {top_5:.2f} % of {len(labels)} clips"
        ),
        metrics={
            "top-1": top_1,
            "top-1 interval": [100 * interval.low, 100 * interval.high],
            "top-5": top_5,
            "clips": len(labels),
            **class_metrics(predictions),
        },
        tables=[
            comparison(
                f"{facts.title}: accuracy in %",
                facts.published,
                [(name, "", {"top-1": top_1, "top-5": top_5})],
            ),
            *class_tables(predictions),
        ],
        notes=[
            *facts.coverage(len(labels)),
            "Equal scores rank by class index. The interval is a bootstrap over recordings where several "
            "are given, else over clips.",
            *facts.closing_notes(),
        ],
        mistakes=worst_mistakes(predictions),
        caveats=caveats,
    )


def class_metrics(predictions: Predictions) -> dict[str, Any]:
    """Each class's accuracy, and the confusion matrix of at most 60 classes."""
    labels = predictions.label_indices()[:, 0]
    confusion = confusion_matrix(labels, predictions.scores.argmax(axis=1), len(predictions.classes))
    shares = class_accuracies(confusion)
    per_class = [
        {"class": label, "accuracy": None if np.isnan(share) else float(share), "clips": int(count)}
        for label, share, count in zip(predictions.classes, shares, confusion.sum(axis=1), strict=True)
    ]
    values: dict[str, Any] = {"per_class": per_class}
    if len(predictions.classes) <= _LARGEST_CONFUSION:
        values["confusion"] = {"classes": list(predictions.classes), "counts": confusion.tolist()}
    return values


def class_tables(predictions: Predictions) -> list[Table]:
    """The accuracy of classes that have clips, and the pairs that are confused most often."""
    labels = predictions.label_indices()[:, 0]
    counts = confusion_matrix(labels, predictions.scores.argmax(axis=1), len(predictions.classes))
    shares, clips, classes = class_accuracies(counts), counts.sum(axis=1), predictions.classes
    order = sorted(np.flatnonzero(clips), key=lambda row: (shares[row], row))
    lowest = f", the lowest {_SHOWN_CLASSES} of {len(order)} classes" if len(order) > _SHOWN_CLASSES else ""
    rows = [[classes[row], int(clips[row]), round(100 * float(shares[row]), 1)] for row in order]
    accuracies = Table(f"accuracy in %{lowest}", ["class", "clips", "accuracy"], rows[:_SHOWN_CLASSES])
    np.fill_diagonal(counts, 0)
    pairs = sorted(np.argwhere(counts).tolist(), key=lambda pair: -counts[tuple(pair)])[:_SHOWN_PAIRS]
    taken = [[classes[true], classes[guess], int(counts[true, guess])] for true, guess in pairs]
    confusions = Table("the most frequent confusions", ["label", "prediction", "clips"], taken)
    return [accuracies, *([confusions] if taken else [])]


def groups_of(predictions: Predictions) -> list[str] | None:
    """The recordings of the clips, for the bootstrap; None where some are unknown, or all are one."""
    groups = list(predictions.groups)
    return groups if all(groups) and len(set(groups)) > 1 else None
