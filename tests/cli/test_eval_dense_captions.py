"""`avtool eval --benchmark activitynet-captions` and `youcook2`: reports, and bad input in one line."""

import json
import shutil

import pytest

from tests.harness import run_avtool
from tests.meteor_data import small_phrase_table

NAME = "activitynet-captions"
REFERENCES = {
    "v_1": {"timestamps": [[0, 10], [10, 30]], "sentences": ["A man plays guitar.", "The crowd claps."]},
    "v_2": {"timestamps": [[5, 9]], "sentences": ["A dog barks."]},
}
SUBMISSION = {
    "version": "VERSION 1.0",
    "results": {"v_1": [{"sentence": "A man is playing a guitar.", "timestamp": [0, 9]}]},
    "external_data": {"used": False},
}


@pytest.fixture
def files(cache, tmp_path):
    small_phrase_table(tmp_path)
    references, submission = tmp_path / "val_1.json", tmp_path / "submission.json"
    references.write_text(json.dumps(REFERENCES))
    submission.write_text(json.dumps(SUBMISSION))
    return references, submission


def evaluate(references, submission, *options, benchmark=NAME):
    return run_avtool(
        "eval", "--benchmark", benchmark, "--data", references, "--predictions", submission, *options
    )


def test_report(files, tmp_path):
    out = tmp_path / "report"
    result = evaluate(*files, "--out", out, "--json")
    assert result.code == 0, result.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["missing_videos"] == 1
    own = metrics["submitted_videos_only"]
    assert own["meteor_2021"] == pytest.approx(2 * metrics["meteor_2021"])
    assert own["precision"] == 0.75  # tIoU is 9 / 10: not above 0.9
    assert metrics["by_video"]["v_2"]["meteor_2021"] == 0
    page = (out / "report.html").read_text()
    for text in ("PDVC, TSP", "not comparable", "submission, only its 1 videos", "matched", "missed"):
        assert text in page, text


def test_two_annotators(files, tmp_path):
    references, submission = files
    shutil.copy(references, tmp_path / "val_2.json")
    folder = evaluate(tmp_path, submission, "--json")
    named = evaluate(f"{references},{tmp_path / 'val_2.json'}", submission, "--json")
    assert folder.code == named.code == 0, folder.stderr
    assert folder.json["report"] == named.json["report"]
    assert "val_1.json, val_2.json" in str(folder.json["report"]["notes"])


def test_youcook(files, tmp_path):
    _, submission = files
    facts = {"subset": "validation", "annotations": [{"segment": [0, 9], "sentence": "play the guitar"}]}
    path = tmp_path / "youcookii_annotations_trainval.json"
    path.write_text(json.dumps({"database": {"v_1": facts, "v_9": {**facts, "subset": "training"}}}))
    result = evaluate(path, submission, "--json", benchmark="youcook2")
    assert result.code == 0, result.stderr
    assert result.json["report"]["metrics"]["videos"] == 1


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda references, submission: submission.write_text('{"v_1": []}'), 2, "lacks `results`"),
        (lambda references, submission: submission.write_text("[1, 2"), 2, "is no JSON"),
        (lambda references, submission: submission.unlink(), 2, "cannot be read"),
        (lambda references, submission: references.write_text("{}"), 2, "has no captions"),
        (
            lambda references, submission: submission.write_text('{"results": {"x": []}}'),
            2,
            "no video in common",
        ),
    ],
)
def test_bad_input(files, change, code, words):
    change(*files)
    result = evaluate(*files)
    assert (result.code, words in result.stderr, "Traceback" in result.stderr) == (code, True, False)


def test_missing_libraries(files, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    result = evaluate(*files, "--meteor-backend", "java")
    assert result.code == 3
    assert "needs Java" in result.stderr
    monkeypatch.setattr("avtool.evaluation.metrics.meteor.data.find_spec", lambda name: None)
    result = evaluate(*files)
    assert result.code == 3
    assert "METEOR data not found" in result.stderr
    assert "pip install 'avtool[meteor]'" in result.stderr


def test_nothing_given():
    result = run_avtool("eval", "--benchmark", NAME)
    assert result.code == 2
    assert "--predictions" in result.stderr
