"""`avtool eval` of located queries: reports, coverage, and bad input in one line."""

import json

import pytest

from tests.harness import run_avtool

MOMENTS = [
    {
        "qid": number,
        "query": "A dog barks.",
        "vid": f"v{number}",
        "duration": 20,
        "relevant_windows": [[0, 10]],
        "relevant_clip_ids": [0, 1],
        "saliency_scores": [[4, 4, 4], [2, 2, 2]],
    }
    for number in (1, 2)
]
RIGHT = {
    "qid": 1,
    "pred_relevant_windows": [[0, 10, 0.9], [3, 4, 0.1]],
    "pred_saliency_scores": [9, 8, 0, 0, 0, 0, 0, 0, 0, 0],
}


def write(path, value, *, lines=False):
    path.write_text("\n".join(map(json.dumps, value)) if lines else json.dumps(value))
    return path


def evaluate(benchmark, truth, submission, *options):
    return run_avtool(
        "eval", "--benchmark", benchmark, "--data", truth, "--predictions", submission, *options
    )


def refused(result, words):
    assert result.code == 2, result.stderr
    assert words in result.stderr, result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 2  # the error and its hint


@pytest.fixture
def moments(tmp_path):
    return (
        write(tmp_path / "highlight_val_release.jsonl", MOMENTS, lines=True),
        write(tmp_path / "mine.jsonl", [RIGHT], lines=True),
    )


def test_moments(moments, tmp_path):
    out = tmp_path / "report"
    result = evaluate("qvhighlights", *moments, "--out", out)
    assert result.code == 0, result.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["mAP"] == metrics["R1@0.7"] == metrics["HIT@1"] == 50  # the other query counts 0
    assert (metrics["queries"], metrics["missing_queries"]) == (2, 1)
    assert metrics["baselines"]["the whole video"]["R1@0.5"] == 100  # tIoU of exactly 0.5
    page = (out / "report.html").read_text()
    for text in ("Moment-DETR", "random windows", "the first is `2`", "queries with the lowest mAP"):
        assert text in page, text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"qid": 7}, "query `7` is not in the annotations (1 of 1)"),
        ({"pred_relevant_windows": [[0, 10, 0.9], [5, 4, 0.1]]}, "window 1 is [5, 4, 0.1]"),
        ({"pred_relevant_windows": [[0, float("nan"), 0.9]]}, "window 0 is [0, NaN, 0.9]"),
        ({"pred_relevant_windows": [[0, 10**400, 1]]}, "no start before an end"),
        ({"pred_relevant_windows": "all"}, "no list of windows"),
        ({"pred_saliency_scores": [1, None]}, "`pred_saliency_scores` 1 is nothing"),
        ({"qid": "1"}, 'no whole number `qid`, but "1"'),
    ],
)
def test_a_wrong_submission_of_moments(moments, change, words):
    write(moments[1], [RIGHT | change], lines=True)
    refused(evaluate("qvhighlights", *moments), words)


def test_fix_drops_wrong_windows(moments):
    write(moments[1], [RIGHT | {"pred_relevant_windows": [[5, 4, 1], [0, 10, 0.9]]}], lines=True)
    result = evaluate("qvhighlights", *moments, "--fix", "--json")
    assert result.code == 0, result.stderr
    metrics = result.json["report"]["metrics"]
    assert (metrics["mAP"], metrics["dropped_predictions"]) == (50, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"qid": 1', "line 1 is no JSON"),
        ("[" * 100_000, "line 1 is no JSON"),
        ("[1]", "line 1 is no JSON object"),
        ("", "has no queries"),
        (json.dumps(MOMENTS[0] | {"relevant_clip_ids": [0, 10**9]}), "is none of the video's 10"),
        (json.dumps(MOMENTS[0] | {"relevant_windows": None}), "no list `relevant_windows`"),
        (json.dumps(MOMENTS[0] | {"duration": 1e300}), "`duration` is 1e+300 s"),
        ("\n".join([json.dumps(MOMENTS[0])] * 2), "query 1 is there twice"),
    ],
)
def test_wrong_annotations_of_moments(moments, text, words):
    moments[0].write_text(text)
    refused(evaluate("qvhighlights", *moments), words)


def test_nothing_given(moments, tmp_path):
    refused(run_avtool("eval", "--benchmark", "qvhighlights"), "--predictions")
    refused(evaluate("qvhighlights", tmp_path / "empty", moments[1]), "cannot be read")
    moments[0].write_bytes(b"\xff\xfe\x00")
    refused(evaluate("qvhighlights", *moments), "no UTF-8 text")
