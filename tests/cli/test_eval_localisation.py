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
    for text in (
        "Moment-DETR",
        "random windows",
        "the first is <code>2</code>",
        "Queries with the lowest mAP",
    ):
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
        (json.dumps(MOMENTS[0] | {"duration": 1e9}), "`duration` is 1e+09 s"),
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


NLQ = {
    "version": "1",
    "videos": [
        {
            "video_uid": "v",
            "clips": [
                {
                    "clip_uid": "c",
                    "video_start_sec": 100.0,
                    "video_end_sec": 140.0,
                    "annotations": [
                        {
                            "annotation_uid": "a",
                            "language_queries": [
                                {"query": "Where is it?", "clip_start_sec": 0, "clip_end_sec": 10},
                                {"query": "Who was it?", "clip_start_sec": 20, "clip_end_sec": 30},
                                {"query": None},
                                {"query": "When?", "clip_start_sec": 5, "clip_end_sec": 5},
                            ],
                        }
                    ],
                }
            ],
        }
    ],
}


def nlq(*results, **changes):
    rows = [
        {"clip_uid": "c", "annotation_uid": "a", "query_idx": index, "predicted_times": times}
        for index, times in results
    ]
    return {"version": "1.0", "challenge": "ego4d_nlq_challenge", "results": rows} | changes


def test_ego4d_sentences(tmp_path):
    files = (
        write(tmp_path / "nlq_val.json", NLQ),
        write(tmp_path / "mine.json", nlq((0, [[0, 10], [50, 60]]))),
    )
    result = evaluate("ego4d-nlq", *files, "--json")
    assert result.code == 0, result.stderr
    metrics = result.json["report"]["metrics"]
    assert metrics["R1@0.5"] == metrics["mean R1"] == 100
    assert metrics["all_queries"]["R1@0.5"] == pytest.approx(100 / 3)
    assert (metrics["queries"], metrics["missing_queries"], metrics["unreachable_queries"]) == (3, 2, 1)
    assert metrics["baselines"]["the whole clip"]["mIoU"] == pytest.approx(100 * (0.25 + 0.25) / 3)
    assert "2 of 3 queries have no prediction" in result.json["report"]["caveats"][0]
    assert "c/a/1" in result.json["report"]["caveats"][0]


@pytest.mark.parametrize(
    ("submission", "words"),
    [
        (nlq((0, [[0, 1]]), (9, [[0, 1]])), "query `c/a/9` is not in the annotations (1 of 2)"),
        (nlq((-1, [[0, 1]])), "query `c/a/-1` is not in the annotations"),
        (nlq((0, [[0, 1]]), (0, [[0, 1]])), "query `c/a/0` is there twice"),
        (nlq((0, [[0, 1], [3, 3]])), "window 1 is [3, 3]"),
        (nlq(challenge="ego4d_vq2d_challenge"), "`challenge` is `ego4d_vq2d_challenge`"),
        (nlq(version="2.0"), "`version` is `2.0`, not `1.0`"),
        (nlq(), "has no results"),
        ([], "no text `challenge`"),
    ],
)
def test_a_wrong_submission_of_sentences(tmp_path, submission, words):
    truth = write(tmp_path / "nlq_val.json", NLQ)
    refused(evaluate("ego4d-nlq", truth, write(tmp_path / "mine.json", submission)), words)


def test_annotations_cut_in_the_middle(tmp_path):
    truth, mine = tmp_path / "nlq_val.json", write(tmp_path / "mine.json", nlq((0, [[0, 1]])))
    truth.write_text(json.dumps(NLQ)[:200])
    refused(evaluate("ego4d-nlq", truth, mine), "it may be cut off")
    write(truth, {"videos": [{"clips": [{"clip_uid": "c", "annotations": [{}]}]}]})
    refused(evaluate("ego4d-nlq", truth, mine), "no text `annotation_uid`")


def test_charades(tmp_path):
    truth = tmp_path / "charades_sta_test.txt"
    truth.write_text("AO8RW 0.0 10.0##a person opens a door.\nAO8RW 5.0 4.0##a person runs.\n")
    rows = [{"vid": "AO8RW", "query": "A person opens a door", "pred_relevant_windows": [[0, 5]]}]
    mine = write(tmp_path / "mine.jsonl", rows, lines=True)
    result = evaluate("charades-sta", truth, mine, "--json")
    assert result.code == 0, result.stderr
    metrics = result.json["report"]["metrics"]
    assert (metrics["R1@0.5"], metrics["R1@0.7"], metrics["mAP@0.5"]) == (50, 0, 50)
    assert (metrics["missing_queries"], metrics["unreachable_queries"]) == (1, 1)
    assert metrics["baselines"] == {}
    (tmp_path / "Charades_v1_test.csv").write_text("id,length\nAO8RW,20\n")
    whole = evaluate("charades-sta", truth, mine, "--json").json["report"]["metrics"]["baselines"]
    assert whole["the whole video"]["R1@0.5"] == 50
    refused(evaluate("charades-sta", truth, write(mine, [rows[0] | {"query": "x"}], lines=True)), "query `x`")
    truth.write_text("AO8RW 0.0 nan##a person.")
    refused(evaluate("charades-sta", truth, mine), "no finite number")
    truth.write_text("AO8RW 0.0 1.0 a person.")
    refused(evaluate("charades-sta", truth, mine), "line 1 is no query")
