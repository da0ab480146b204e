"""Protocols over predictions: numbers, notes, and published results beside them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from avtool.benchmarks import BENCHMARKS, OWN_DATA, find_benchmark
from avtool.core.artifact import Artifact
from avtool.core.artifact_folder import open_partial, publish
from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder, Silent
from avtool.evaluation.mistakes import mistake_table
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import write_predictions
from avtool.evaluation.protocols.predictions import evaluate_predictions
from avtool.evaluation.protocols.retrieval import evaluate_embeddings
from avtool.evaluation.report import BenchmarkReport
from tests.unit.evaluation.prediction_samples import make_predictions

SINGLE = make_predictions(
    [[3, 1, 0], [2, 1, 0], [0, 1, 5], [0, 2, 1]],
    [("a",), ("b",), ("a",), ("b",)],
    groups=("f", "f", "g", "h"),
)


def scored(
    name: str, predictions: Predictions, reporter: Recorder | None = None, title: str = "ours"
) -> BenchmarkReport:
    spec = find_benchmark(name).spec
    facts = spec.facts("predictions")
    return evaluate_predictions(predictions, facts, spec.scoring, reporter or Silent(), name=title)


def test_clips_of_one_recording_have_an_interval_over_clips() -> None:
    one = make_predictions(SINGLE.scores, list(SINGLE.labels), groups=("f",) * 4)
    low, high = scored("vggsound", one).metrics["top-1 interval"]
    assert low < 50 < high


def test_single_label_accuracy() -> None:
    report = scored("vggsound", SINGLE)
    assert report.metrics["top-1"] == pytest.approx(50)
    assert report.metrics["top-5"] == pytest.approx(100)
    assert report.metrics["confusion"]["counts"] == [[1, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert [row["accuracy"] for row in report.metrics["per_class"]] == [0.5, 0.5, None]


def test_the_surest_mistake_comes_first() -> None:
    report = scored("vggsound", SINGLE)
    rows = mistake_table(report.mistakes).rows
    assert [row[:3] for row in rows] == [["c2", "a", "c"], ["c1", "b", "a"]]
    assert rows[0][3] == round(100 * math.exp(5) / (1 + math.exp(1) + math.exp(5)))


def of_whole_benchmark(name: str, clips: int | None = None) -> Predictions:
    """Predictions with as many classes as a benchmark, and as many clips or some of them."""
    spec = find_benchmark(name).spec
    classes = [f"k{number}" for number in range(spec.data.classes)]
    count = clips or spec.data.clips or 5
    generator = np.random.default_rng(0)
    labels = [(classes[number % len(classes)],) for number in range(count)]
    return make_predictions(generator.normal(size=(count, len(classes))), labels, classes=classes)


def test_published_results_stand_beside_ours_with_their_standing() -> None:
    report = scored("vggsound", of_whole_benchmark("vggsound"), title="mine")
    table = report.tables[0]
    assert table.columns == ["model", "trained on", "top-1", "top-5", "standing"]
    assert table.rows[0][:2] == ["mine", ""]
    assert table.rows[0][-1] == "measured"
    assert ["MBT-B (audio + video)", "VGGSound, from ImageNet-21k", 64.1, 85.6, "paper"] in table.rows
    assert report.caveats == []


@pytest.mark.parametrize(
    ("name", "predictions", "why"),
    [
        ("vggsound", SINGLE, "the model has 3 classes, VGGSound has 309"),
        ("audioset", SINGLE, "the model has 3 classes, AudioSet has 527"),
        ("audioset", of_whole_benchmark("audioset", 40), "40 clips were scored, AudioSet has"),
    ],
)
def test_published_results_of_other_classes_or_clips_are_not_shown(
    name: str, predictions: Predictions, why: str
) -> None:
    report = scored(name, predictions, title="mine")
    assert [row[0] for row in report.tables[0].rows] == ["mine"]
    assert [caveat for caveat in report.caveats if why.lower() in caveat.lower()] == list(report.caveats)
    assert len(report.caveats) == 1
    assert report.caveats[0].endswith("published numbers are no comparison and not shown.")
    assert not any("Sources:" in note for note in report.notes)


def test_a_tenth_of_the_clips_may_be_missing() -> None:
    spec = find_benchmark("audioset").spec
    facts, caveats = spec.facts("predictions").against(int(0.9 * spec.data.clips), 527)
    assert facts.published
    assert caveats == []


def test_each_class_and_the_confusions_are_in_tables() -> None:
    _, classes, confusions = scored("vggsound", SINGLE).tables
    assert classes.rows == [["a", 2, 50.0], ["b", 2, 50.0]]
    assert sorted(confusions.rows) == [["a", "c", 1], ["b", "a", 1]]


def test_false_alarms_are_the_mistakes_of_several_labels() -> None:
    predictions = make_predictions(
        [[4, 3, -9], [-2, 1, 2], [-3, -3, 5], [-1, -1, -1]], [("b",), ("b",), ("c",), ("a", "c")]
    )
    found = [(m.clip_id, m.label, m.prediction) for m in scored("audioset", predictions).mistakes]
    assert found == [("c0", "b", "a"), ("c1", "b", "c")]
    first = scored("audioset", predictions).mistakes[0]
    assert first.confidence == pytest.approx(1 / (1 + math.exp(-4)))
    assert first.label_probability == pytest.approx(1 / (1 + math.exp(-3)))


def test_wrong_pairs_are_the_mistakes_of_verbs_and_nouns() -> None:
    predictions = make_predictions(
        [[2, 0, 1, 0], [2, 0, 1, 0], [0, 2, 0, 1]],
        [("v", "n"), ("v", "m"), ("v", "n")],
        classes="vwnm",
        sizes=(2, 2),
    )
    found = [(m.clip_id, m.label, m.prediction) for m in scored("epic-kitchens", predictions).mistakes]
    assert sorted(found) == [("c1", "v m", "v n"), ("c2", "v n", "w m")]


def test_multi_label_means_exclude_classes_without_clips() -> None:
    predictions = make_predictions(
        [[0.1, 0, 0], [0.4, 0, 0], [0.35, 1, 0], [0.8, 0, 0], [9, 9, 9]],
        [("b",), ("b",), ("a",), ("a",), ("z",)],
    )
    recorder = Recorder()
    report = scored("audioset", predictions, recorder)
    # class a: AP 5/6, AUC 3/4; class b: positives score 0, 0, the others 1 and 0
    assert report.metrics["per_class"][0]["average_precision"] == pytest.approx(5 / 6)
    assert report.metrics["per_class"][2]["average_precision"] is None
    assert report.metrics["classes_excluded"] == ["c"]
    assert report.metrics["clips_skipped"] == 1
    assert recorder.warnings == ["1 of 3 classes have no positive clip"]


def test_verbs_and_nouns() -> None:
    predictions = make_predictions(
        [[2, 0, 1, 0], [2, 0, 1, 0], [0, 2, 0, 1]],
        [("v", "n"), ("v", "m"), ("v", "n")],
        classes="vwnm",
        sizes=(2, 2),
    )
    report = scored("epic-kitchens", predictions)
    expected = {"verb top-1": 200 / 3, "noun top-1": 100 / 3, "action top-1": 100 / 3, "action top-5": 100.0}
    assert {name: report.metrics[name] for name in expected} == pytest.approx(expected)
    with pytest.raises(BadInputError, match="scores of verbs and of nouns"):
        scored("epic-kitchens", SINGLE)


def test_retrieval_goes_both_ways() -> None:
    report = evaluate_embeddings([[1, 0], [1, 0.1]], [[1, 0], [0, 1]])
    assert report.metrics["audio → video"]["R@1"] == 50  # both find the first video
    assert report.metrics["video → audio"]["R@1"] == 100
    assert report.metrics["audio → video"]["median rank"] == 1.5
    assert report.tables[0].rows[-1][:2] == ["chance", "either"]


def test_retrieval_among_a_few_clips_of_each_class() -> None:
    generator = np.random.default_rng(0)
    embeddings = generator.normal(size=(12, 8))
    report = evaluate_embeddings(embeddings, embeddings, labels=["x", "y"] * 6, per_class=5)
    assert report.metrics["clips"] == 10
    assert report.metrics["audio → video"]["R@1"] == 100


@pytest.mark.parametrize("video", [np.zeros((2, 3)), np.full((3, 3), np.nan), np.zeros(3)])
def test_embeddings_that_are_no_pairs_are_refused(video: np.ndarray) -> None:
    with pytest.raises(BadInputError):
        evaluate_embeddings(np.zeros((3, 3)), video)


PREDICTED = [name for name, benchmark in BENCHMARKS.items() if benchmark.facts.data == "predictions"]


def artifact(out: Path, predictions: Predictions) -> Path:
    write_predictions(open_partial(out, {}, kind="predictions"), predictions)
    publish(out, Artifact("predictions", "test", {}))
    return out


@pytest.mark.parametrize("name", sorted(set(PREDICTED) - {"epic-kitchens"}))
def test_every_benchmark_runs_on_an_artifact(name: str, tmp_path: Path) -> None:
    benchmark = find_benchmark(name)
    settings = benchmark.settings(predictions=artifact(tmp_path / "p", SINGLE))
    report = benchmark.run(settings, Silent())
    assert len(report.tables[0].rows) == 1 or not report.caveats  # published rows, or why there are none
    json.dumps(dict(report.metrics), allow_nan=False)


def test_without_predictions_the_flag_is_named() -> None:
    audioset = find_benchmark("audioset")
    with pytest.raises(BadInputError, match="no --predictions given"):
        audioset.run(audioset.settings(), Silent())


@pytest.mark.parametrize(
    ("predictions", "metric"),
    [
        (SINGLE, "top-1"),
        (make_predictions([[1, 0, 0], [0, 1, 0]], [("a", "b"), ("b",)]), "mAP"),
        (make_predictions([[1, 0, 0], [0, 1, 0]], [("a", "c"), ("b", "c")], sizes=(2, 1)), "action top-1"),
    ],
    ids=["one label", "several labels", "verbs and nouns"],
)
def test_ones_own_predictions_are_scored_by_their_labels(
    predictions: Predictions, metric: str, tmp_path: Path
) -> None:
    report = OWN_DATA.run(OWN_DATA.settings(predictions=artifact(tmp_path / "mine", predictions)), Silent())
    assert metric in report.metrics
    assert [row[0] for row in report.tables[0].rows] == ["mine"]
    assert not any("comparison" in note for note in report.notes)
