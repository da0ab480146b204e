"""Cross-validation: folds, seeds, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.evaluation.baselines import Baseline
from avtool.evaluation.metrics.intervals import summarise_folds
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.protocols.cross_validation import FoldedClips, ScoredModel, cross_validation_report
from avtool.evaluation.published import BenchmarkFacts, PublishedResult
from avtool.evaluation.report_figures import metric_figures

BASELINES = [Baseline("log-mel statistics", "RBF SVM", summarise_folds([80.0, 85.0, 90.0, 85.0, 85.0]))]


CLASSES = tuple("abcdefghij")
LISTENERS = PublishedResult(
    model="human listeners",
    inputs="audio",
    training="–",
    metrics={"accuracy": 95.7},
    source="a paper",
    standing="repository",
)
FACTS = BenchmarkFacts("ESC-10", 10, 400, published=(LISTENERS,))


def clips_of(folds: tuple[int, ...] = (1, 2, 3, 4, 5)) -> FoldedClips:
    """Eight clips of each class and fold, two of a recording."""
    rows = [(fold, label, number) for label in CLASSES for fold in folds for number in range(8)]
    return FoldedClips(
        [f"{fold}-{label}{number}" for fold, label, number in rows],
        [label for _, label, _ in rows],
        [f"{label}{fold}{number // 2}" for fold, label, number in rows],
        [fold for fold, _, _ in rows],
        [Path(f"{fold}-{label}{number}.ogg") for fold, label, number in rows],
        (1, 2, 3, 4, 5),
    )


DATA = clips_of()


def predict(data: FoldedClips, wrong: int = 0) -> Predictions:
    """Right but for `wrong` clips of fold 1, which are taken for the next class; not in the data's order."""
    count = len(data.ids)
    scores = np.zeros((count, 10), np.float32)
    mistakes = 0
    for row, (name, fold) in enumerate(zip(data.labels, data.folds, strict=True)):
        label = CLASSES.index(name)
        if fold == 1 and mistakes < wrong:
            mistakes += 1
            label = (label + 1) % 10
        scores[row, label] = 4.0
    whole = Predictions(tuple(data.ids), CLASSES, scores, ((),) * count, folds=tuple(data.folds))
    return whole.take(list(range(count - 1, -1, -1)))


def test_folds_and_seeds_are_summarised() -> None:
    report = cross_validation_report(
        DATA, {0: predict(DATA, 8), 1: predict(DATA, 4)}, FACTS, baselines=BASELINES, model=ScoredModel("cnn")
    )
    assert report.metrics["seeds"]["0"]["folds"] == [90, 100, 100, 100, 100]
    assert report.metrics["accuracy"] == pytest.approx((98 + 99) / 2)
    assert report.headline.startswith("ESC-10: 98.50 % ± 0.71 over 2 seeds")
    assert "the best baseline has 85.00 %" in report.headline
    assert report.tables[0].rows[0][:3] == ["cnn", "no other data", 98.5]
    assert ["human listeners (audio)", "–", 95.7, "repository"] in report.tables[0].rows
    assert [row[0] for row in report.tables[1].rows] == [
        "cnn, seed 0",
        "cnn, seed 1",
        "RBF SVM on log-mel statistics",
    ]
    low, high = report.metrics["interval"]
    assert low < 98.5 < high
    json.dumps(dict(report.metrics), allow_nan=False)


def test_the_seeds_are_averaged() -> None:
    """A clip that one of three models gets wrong is right on average."""
    report = cross_validation_report(DATA, {0: predict(DATA, 8), 1: predict(DATA), 2: predict(DATA)}, FACTS)
    assert np.trace(report.metrics["confusion"]["counts"]) == 400
    assert report.mistakes == []


def test_the_report_draws_confusion_and_classes() -> None:
    report = cross_validation_report(DATA, {0: predict(DATA, 8)}, FACTS)
    figures = dict(metric_figures(report.metrics))
    assert list(figures) == ["which class is taken for which", "accuracy of each class in %"]
    assert all(">a<" in figure and figure.startswith("<svg") for figure in figures.values())


def test_a_model_that_learned_from_its_test_fold_is_refused() -> None:
    predictions = predict(DATA)
    folds = tuple(1 if fold == 2 else fold for fold in predictions.folds)
    moved = Predictions(
        predictions.clip_ids, predictions.classes, predictions.scores, predictions.labels, folds=folds
    )
    with pytest.raises(BadInputError, match="is of fold 2, but was predicted as a clip of fold 1"):
        cross_validation_report(DATA, {0: moved}, FACTS)
    unknown = Predictions(predictions.clip_ids, predictions.classes, predictions.scores, predictions.labels)
    with pytest.raises(BadInputError, match="fold None"):
        cross_validation_report(DATA, {0: unknown}, FACTS)


def test_missing_predictions_are_named() -> None:
    predictions = predict(DATA)
    with pytest.raises(
        BadInputError, match=f"399 predictions for the 400 clips .*lack {predictions.clip_ids[0]}"
    ):
        cross_validation_report(DATA, {0: predictions.take(range(1, 400))}, FACTS)


def test_some_folds_are_no_protocol() -> None:
    some = clips_of((1, 3))
    report = cross_validation_report(some, {0: predict(some, 8)}, FACTS)
    assert report.headline.startswith("ESC-10, only folds 1, 3: 95.00 %")
    assert report.metrics["folds"] == [1, 3]
    assert [table.columns for table in report.tables] == [["model", "fold 1", "fold 3", "mean", "sd"]]
    assert "not the protocol" in report.notes[0]
