"""A report on some of the folds of ESC: for a quick look, and for models that learned from the others."""

from collections.abc import Mapping, Sequence

import numpy as np

from avtool.benchmarks.esc50.dataset import FOLDS, EscData
from avtool.evaluation.baselines import Floor
from avtool.evaluation.mistakes import worst_mistakes
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.protocols.single_label import class_metrics
from avtool.evaluation.report import BenchmarkReport, Table


def report_some_folds(
    data: EscData, runs: Mapping[int, Predictions], floors: Sequence[Floor], name: str
) -> BenchmarkReport:
    """Scores the predictions of some folds, with the floors of the same folds.

    Args:
        data: the data set.
        runs: seed → predictions of the same clips.
        floors: on all folds.
        name: of the model, in tables.
    """
    first = next(iter(runs.values()))
    folds = sorted({fold for fold in first.folds if fold is not None})
    rows: list[list[object]] = []
    means = {}
    for seed, predictions in runs.items():
        values = predictions.fold_accuracies(folds)
        means[seed] = float(np.mean(values))
        rows.append([f"{name}, seed {seed}", *(round(value, 2) for value in values), round(means[seed], 2)])
    for floor in floors:
        values = [floor.accuracy.values[FOLDS.index(fold)] for fold in folds]
        label = f"{floor.classifier} on {floor.features}"
        rows.append([label, *(round(value, 2) for value in values), round(float(np.mean(values)), 2)])
    table = Table(
        "accuracy of each official fold in %", ["model", *(f"fold {fold}" for fold in folds), "mean"], rows
    )
    accuracy = float(np.mean(list(means.values())))
    shown = ", ".join(map(str, folds))
    return BenchmarkReport(
        f"{data.title}, only fold{'s' if len(folds) > 1 else ''} {shown}: {accuracy:.2f} % of "
        f"{len(first.clip_ids)} clips",
        {
            "accuracy": accuracy,
            "folds": folds,
            "seeds": {str(seed): mean for seed, mean in means.items()},
            **class_metrics(first),
        },
        [table],
        ["A part of the folds is not the protocol: do not hold this beside published numbers."],
        worst_mistakes(first, media={clip.clip_id: clip.path for clip in data.clips}),
    )
