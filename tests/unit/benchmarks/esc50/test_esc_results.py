"""ESC's numbers: folds, seeds, and what is refused."""

import json

import numpy as np
import pytest

from avtool.benchmarks.esc50.dataset import EscData, find_esc
from avtool.benchmarks.esc50.results import evaluate_esc
from avtool.core.errors import BadInputError
from avtool.evaluation.baselines import Floor
from avtool.evaluation.metrics.intervals import summarise_folds
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.report_figures import metric_figures
from tests.unit.benchmarks.esc50.esc_samples import make_esc10

FLOORS = [Floor("log-mel statistics", "RBF SVM", summarise_folds([80.0, 85.0, 90.0, 85.0, 85.0]))]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> EscData:
    return find_esc("esc10", make_esc10(tmp_path_factory.mktemp("esc10")))


def predict(data: EscData, wrong: int = 0) -> Predictions:
    """Right but for `wrong` clips of fold 1, whose answer is the next class; not in the data's order."""
    scores = np.zeros((400, 10), np.float32)
    mistakes = 0
    for row, clip in enumerate(data.clips):
        label = data.classes.index(clip.label)
        if clip.fold == 1 and mistakes < wrong:
            mistakes += 1
            label = (label + 1) % 10
        scores[row, label] = 4.0
    ids = tuple(clip.clip_id for clip in data.clips)
    folds = tuple(clip.fold for clip in data.clips)
    whole = Predictions(ids, data.classes, scores, ((),) * 400, folds=folds)
    return whole.take(list(range(399, -1, -1)))


def test_folds_and_seeds_are_summarised(data: EscData) -> None:
    report = evaluate_esc(data, {0: predict(data, 8), 1: predict(data, 4)}, floors=FLOORS, name="cnn")
    assert report.metrics["seeds"]["0"]["folds"] == [90, 100, 100, 100, 100]
    assert report.metrics["accuracy"] == pytest.approx((98 + 99) / 2)
    assert report.headline.startswith("ESC-10: 98.50 % ± 0.71 over 2 seeds")
    assert "the best floor has 85.00 %" in report.headline
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


def test_the_seeds_are_heard_together(data: EscData) -> None:
    """A clip that one of three models gets wrong is right on average."""
    report = evaluate_esc(data, {0: predict(data, 8), 1: predict(data), 2: predict(data)})
    assert np.trace(report.metrics["confusion"]["counts"]) == 400
    assert report.mistakes == []


def test_the_report_draws_confusion_and_classes(data: EscData) -> None:
    report = evaluate_esc(data, {0: predict(data, 8)})
    figures = dict(metric_figures(report.metrics))
    assert list(figures) == ["which class is taken for which", "accuracy of each class in %"]
    assert all("crying baby" in figure and figure.startswith("<svg") for figure in figures.values())


def test_floors_can_stand_alone(data: EscData) -> None:
    report = evaluate_esc(data, {}, floors=FLOORS)
    assert report.headline == "ESC-10: the best floor is 85.00 %"
    assert report.metrics["floors"]["RBF SVM on log-mel statistics"]["mean"] == 85
    assert metric_figures(report.metrics) == []


def test_a_model_that_learned_from_its_test_fold_is_refused(data: EscData) -> None:
    predictions = predict(data)
    folds = tuple(1 if fold == 2 else fold for fold in predictions.folds)
    moved = Predictions(
        predictions.clip_ids, predictions.classes, predictions.scores, predictions.labels, folds=folds
    )
    with pytest.raises(BadInputError, match="is of fold 2, but was predicted as a clip of fold 1"):
        evaluate_esc(data, {0: moved})
    unknown = Predictions(predictions.clip_ids, predictions.classes, predictions.scores, predictions.labels)
    with pytest.raises(BadInputError, match="fold None"):
        evaluate_esc(data, {0: unknown})


def test_missing_predictions_are_named(data: EscData) -> None:
    predictions = predict(data)
    with pytest.raises(
        BadInputError, match=f"399 predictions for the 400 clips .*lack {predictions.clip_ids[0]}"
    ):
        evaluate_esc(data, {0: predictions.take(range(1, 400))})
