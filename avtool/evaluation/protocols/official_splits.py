"""Accuracy on official splits: each split, their mean, the random-init baseline, and published numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from avtool.core.arrays import Floats
from avtool.evaluation.metrics.intervals import mean_interval
from avtool.evaluation.predictions import Predictions, mean_predictions
from avtool.evaluation.protocols.single_label import class_metrics
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport, Table

Runs = Mapping[str, Sequence[Predictions]]
"""Split → predictions of its test clips, one a seed."""


def split_report(
    runs: Mapping[str, Runs],
    facts: BenchmarkFacts,
    metric: str,
    notes: Sequence[str],
    differences: Sequence[str] = (),
) -> BenchmarkReport:
    """Scores the predictions of each split.

    Args:
        runs: name of the model → its runs; the first model is ours.
        facts: of the benchmark.
        metric: the column of the published table: `finetune` or `linear`.
        notes: on the protocol.
        differences: from it; published rows are shown only without any.
    """
    facts, caveats = facts.without_published(differences)
    accuracies = {
        name: {split: 100 * float(_right(seeds).mean()) for split, seeds in of_model.items()}
        for name, of_model in runs.items()
    }
    means = {name: float(np.mean(list(values.values()))) for name, values in accuracies.items()}
    first = next(iter(runs.values()))
    columns = ["model", "split", "test clips", "accuracy", "low", "high"]
    tables = [
        comparison(
            f"{facts.title}: top-1 accuracy in %, mean of the splits",
            facts.published,
            _ours({name: {metric: mean} for name, mean in means.items()}),
        ),
        Table("each split in % (95 % interval: bootstrap over recordings)", columns, _rows(runs)),
    ]
    metrics = {
        "accuracy": next(iter(means.values())),
        "splits": accuracies,
        **class_metrics(mean_predictions(next(iter(first.values())))),
    }
    headline = f"{facts.title}: {next(iter(means.values())):.2f} % ({metric}, mean of {len(first)} splits)"
    if len(means) > 1:
        name, baseline = list(means.items())[1]
        headline += f"; {name} {baseline:.2f} %"
    return BenchmarkReport(headline, metrics, tables, [*notes, *facts.closing_notes()], caveats=caveats)


def class_retrieval_report(
    recall: Mapping[str, Mapping[str, float]],
    facts: BenchmarkFacts,
    notes: Sequence[str],
    differences: Sequence[str] = (),
) -> BenchmarkReport:
    """Reports how often one of the nearest training clips is of the test clip's class.

    Args:
        recall: name of the model → R@k in %; the first model is ours.
        facts: of the benchmark.
        notes: on the protocol.
        differences: from it; published rows are shown only without any.
    """
    facts, caveats = facts.without_published(differences)
    table = comparison(f"{facts.title}: class retrieval in %", facts.published, _ours(recall))
    first = next(iter(recall.values()))
    headline = f"{facts.title}: R@1 {first['R@1']:.2f} %, R@5 {first['R@5']:.2f} %"
    closing = [*notes, *facts.closing_notes()]
    return BenchmarkReport(headline, {"recall": dict(recall)}, [table], closing, caveats=caveats)


def _ours(values: Mapping[str, Mapping[str, float]]) -> list[tuple[str, str, Mapping[str, float]]]:
    return [
        (name, "no other data" if place else "see its card", of_model)
        for place, (name, of_model) in enumerate(values.items())
    ]


def _rows(runs: Mapping[str, Runs]) -> list[list[object]]:
    rows: list[list[object]] = []
    for name, of_model in runs.items():
        for split, seeds in of_model.items():
            interval = mean_interval(_right(seeds), groups=_groups(seeds[0]))
            cells = (100 * interval.value, 100 * interval.low, 100 * interval.high)
            rows.append([name, split, len(seeds[0].clip_ids), *(round(cell, 2) for cell in cells)])
    return rows


def _right(seeds: Sequence[Predictions]) -> Floats:
    """(N,) the share of the seeds that are right about each clip."""
    right: Floats = np.mean([found.right() for found in seeds], axis=0)
    return right


def _groups(predictions: Predictions) -> list[str]:
    """Recordings; a clip without one is alone."""
    return [group or clip for group, clip in zip(predictions.groups, predictions.clip_ids, strict=True)]
