"""Reports of accuracies on official divisions: each division, their mean, the twin, and published numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from avtool.evaluation.metrics.intervals import mean_interval
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.protocols.single_label import class_metrics
from avtool.evaluation.published_results import comparison, provenance_notes
from avtool.evaluation.report import BenchmarkReport, Table


def division_report(
    title: str,
    published: str,
    metric: str,
    runs: Mapping[str, Mapping[str, Predictions]],
    notes: Sequence[str],
) -> BenchmarkReport:
    """Scores what was predicted on each division.

    Args:
        title: of the data set.
        published: whose published results stand beside.
        metric: what the accuracy is called there: `finetune` or `linear`.
        runs: name of the model → division → predictions; the first model is ours.
        notes: on the protocol.
    """
    accuracies = {
        name: {division: 100 * float(found.right().mean()) for division, found in of_model.items()}
        for name, of_model in runs.items()
    }
    means = {name: float(np.mean(list(values.values()))) for name, values in accuracies.items()}
    ours = [
        (name, "as its card says" if place == 0 else "no other data", {metric: mean})
        for place, (name, mean) in enumerate(means.items())
    ]
    first = next(iter(runs.values()))
    rows = []
    for name, of_model in runs.items():
        for division, found in of_model.items():
            interval = mean_interval(found.right(), groups=_groups(found))
            cells = (100 * interval.value, 100 * interval.low, 100 * interval.high)
            rows.append([name, division, len(found.clip_ids), *(round(cell, 2) for cell in cells)])
    columns = ["model", "division", "test clips", "accuracy", "low", "high"]
    tables = [
        comparison(f"{title}: top-1 accuracy in %, mean of the divisions", published, ours),
        Table("each division in % (95 % interval: bootstrap over films)", columns, rows),
    ]
    metrics = {
        "accuracy": next(iter(means.values())),
        "divisions": accuracies,
        **class_metrics(next(iter(first.values()))),
    }
    headline = f"{title}: {next(iter(means.values())):.2f} % ({metric}, mean of {len(first)} divisions)"
    if len(means) > 1:
        name, twin = list(means.items())[1]
        headline += f"; {name} {twin:.2f} %"
    return BenchmarkReport(headline, metrics, tables, [*notes, *provenance_notes(published)])


def retrieval_report(
    title: str, published: str, recall: Mapping[str, Mapping[str, float]], notes: Sequence[str]
) -> BenchmarkReport:
    """Shows how often one of the nearest training clips is of the test clip's class.

    Args:
        title: of the data set.
        published: whose published results stand beside.
        recall: name of the model → R@k in %; the first model is ours.
        notes: on the protocol.
    """
    ours = [
        (name, "as its card says" if place == 0 else "no other data", values)
        for place, (name, values) in enumerate(recall.items())
    ]
    table = comparison(f"{title}: class retrieval in %", published, ours)
    first = next(iter(recall.values()))
    headline = f"{title}: R@1 {first['R@1']:.2f} %, R@5 {first['R@5']:.2f} %"
    return BenchmarkReport(
        headline, {"recall": dict(recall)}, [table], [*notes, *provenance_notes(published)]
    )


def _groups(predictions: Predictions) -> list[str]:
    """Films; a clip without one is alone."""
    return [group or clip for group, clip in zip(predictions.groups, predictions.clip_ids, strict=True)]
