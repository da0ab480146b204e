"""`avtool eval --benchmark queries` as a user runs it, on a query table over indexed films."""

import json
from pathlib import Path

import numpy as np
import pytest

from avtool.benchmarks.query_table.measure import prediction_of, truth_of
from avtool.data.queries.table import QueryRow
from avtool.inference.localisation.frame_scores import Hit
from tests.harness import call
from tests.queried_films import write_queried

STEP = ["--max-steps", 2, "--workers", 0, "--device", "cpu", "--set", "loop.tensorboard=false"]


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    return write_queried(tmp_path_factory.mktemp("queried") / "films", train=2, val=1)


@pytest.fixture(scope="module")
def model(table) -> Path:
    out = table.parent / "run"
    given = [table, "--index", table.parent / "index", "--text-encoder", table.parent / "text"]
    assert call("localize", "train", *given, "--model", "minotaur_tiny", *STEP, "--out", out, "-q") == 0
    return out


def evaluate(table: Path, *more: object) -> int:
    given = ["--data", table, "--index", table.parent / "index", "--split", "val", "--device", "cpu", "-q"]
    return call("eval", "--benchmark", "queries", *given, *more, "--json")


def test_a_model_stands_beside_similarity_and_chance(table, model, tmp_path, capsys):
    shares = ["--examined", "0.5", "--text-encoder", table.parent / "text", "--out", tmp_path / "report"]
    assert evaluate(table, "--model", model, *shares) == 0
    metrics = json.loads(capsys.readouterr().out)["report"]["metrics"]
    assert metrics["queries"] == 4
    assert set(metrics["engines"]) == {"run", "run, 50 % examined", "similarity", "random windows"}
    assert metrics["recall"] == metrics["engines"]["run"]["all"]["R1@0.5"]
    assert set(metrics["engines"]["run"]) == {"all", "image", "text", "label", "audio"}
    assert 0 <= metrics["image"]["box IoU"] <= 100
    assert "box IoU" not in metrics["audio"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert "R@1 at tIoU 0.5" in page


def test_similarity_alone_is_measured(table, capsys):
    assert evaluate(table, "--text-encoder", table.parent / "text") == 0
    report = json.loads(capsys.readouterr().out)["report"]
    assert set(report["metrics"]["engines"]) == {"similarity", "random windows"}
    assert report["metrics"]["film_hours"] == pytest.approx(8 / 3600, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data is not given"),
        (["--data", "{table}"], "--index is not given"),
        (
            ["--data", "{table}", "--index", "{index}", "--split", "spring"],
            "no queries of the split `spring`",
        ),
        (["--data", "{table}", "--index", "{index}/0", "--split", "val"], "no index of `2.mp4`"),
    ],
)
def test_bad_input_is_one_line(table, capsys, arguments, message):
    places = {"table": table, "index": table.parent / "index"}
    assert call("eval", "--benchmark", "queries", *(text.format(**places) for text in arguments)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def row(**more) -> QueryRow:
    settled = {"query_id": "q", "media": "a.mp4", "kind": "text", "query": "x", "start": 1.0, "end": 3.0}
    return QueryRow(**settled | more)


def test_the_truth_of_a_query_is_that_of_its_rows():
    boxes = ((1.0, 10.0, 20.0, 30.0, 40.0),)
    truth = truth_of([row(boxes=boxes, frame_size=(100, 200)), row(start=5.0, end=6.0)])
    assert truth.segments.tolist() == [[1, 3], [5, 6]]
    assert truth.boxes.tolist() == [[1.0, 0.1, 0.1, 0.3, 0.2]]
    assert truth_of([row(start=0.0, end=0.0, absent=True)]).segments.shape == (0, 2)


def test_boxes_outside_the_first_hit_are_missing():
    truth = truth_of([row(boxes=((1.0, 0, 0, 50, 50), (2.5, 0, 0, 50, 50)), frame_size=(100, 100))])
    hit = Hit(0.0, 2.0, 0.7, 1.0, ((0.0, 0.1, 0.1, 0.5, 0.5), (1.0, 0.1, 0.1, 0.5, 0.5)))
    found = prediction_of([hit], truth)
    assert found.score == 0.7
    assert found.boxes is not None
    assert found.boxes[0] == pytest.approx([0.1, 0.1, 0.5, 0.5])
    assert np.isnan(found.boxes[1]).all()
    assert prediction_of([], truth).score == 0
