"""`avtool eval` of activities and tubes: reports, and bad input in one line."""

import pytest

from tests.cli.test_eval_localisation import evaluate, refused, write


def moments(*labels):
    rows = [
        {"label": name, "primary": primary, "start_time": start, "end_time": end}
        for name, start, end, primary in labels
    ]
    clip = {"clip_uid": "c", "video_start_sec": 0, "video_end_sec": 40, "annotations": [{"labels": rows}]}
    return {"version": "v2", "videos": [{"video_uid": "v", "split": "val", "clips": [clip]}]}


LABELS = moments(("a", 0, 10, True), ("b", 5, 9, False), ("a", 20, 30, True), ("b", 7, 7, True))
HIT = {"label": "a", "score": 0.5, "segment": [0, 10]}
FALSE = {"label": "a", "score": 0.9, "segment": [32, 40]}


def mq(*rows, clip="c", **changes):
    part = {clip: list(rows)}
    found = {"detect_results": part, "retrieve_results": part}
    return {"version": "1.0", "challenge": "ego4d_moment_queries"} | found | changes


def test_activities(tmp_path):
    files = write(tmp_path / "moments_val.json", LABELS), write(tmp_path / "mine.json", mq(FALSE, HIT))
    result = evaluate("ego4d-mq", *files, "--json")
    assert result.code == 0, result.stderr
    report = result.json["report"]
    metrics = report["metrics"]
    assert metrics["mAP"] == pytest.approx(100 * (0.25 + 0) / 2)
    assert metrics["R@1x, 0.5"] == pytest.approx(100 / 3)
    assert (metrics["instances"], metrics["unreachable_instances"]) == (3, 1)
    assert set(metrics["baselines"]) == {"random windows", "the whole clip"}
    assert "VSGN" in str(report["tables"])


@pytest.mark.parametrize(
    ("submission", "words"),
    [
        (mq(HIT, clip="x"), "clip `x` is not in the annotations"),
        (mq(HIT | {"segment": [4, 4]}), "prediction 0: window 0 is [4, 4, 0.5]"),
        (mq(HIT | {"segment": [4]}), "no start before an end"),
        (mq(HIT | {"score": None}), "no start before an end"),
        (mq("a"), "no text `label`"),
        (mq(HIT, detect_results=[]), "no object `detect_results`"),
        (mq(HIT, detect_results={"c": 3}), "is no list, but 3"),
        (mq(detect_results={}, retrieve_results={}), "has no results"),
    ],
)
def test_a_wrong_submission_of_activities(tmp_path, submission, words):
    truth = write(tmp_path / "moments_val.json", LABELS)
    refused(evaluate("ego4d-mq", truth, write(tmp_path / "mine.json", submission)), words)


def test_annotations_without_labels(tmp_path):
    truth = write(tmp_path / "moments_val.json", moments(("a", 0, 1, False)))
    refused(evaluate("ego4d-mq", truth, write(tmp_path / "mine.json", mq(HIT))), "no primary labels")


def box(frame, **changes):
    size = {"original_width": 100, "original_height": 50}
    return {"frame_number": frame, "x": 0, "y": 0, "width": 10, "height": 10} | size | changes


def vq(track, **changes):
    query = {"is_valid": True, "query_frame": 40, "object_title": "mug", "response_track": track} | changes
    sets = {"1": query, "2": {"is_valid": False}}
    clip = {"clip_uid": "c", "annotations": [{"query_sets": sets}]}
    return {"videos": [{"video_uid": "v", "clips": [clip]}]}


TRACK = vq([box(frame) for frame in range(19, 9, -1)])  # in no order


def tube(frames, name="1", score=0.9, **changes):
    boxes = [{"fno": frame, "x1": 0, "y1": 0, "x2": 10, "y2": 10} | changes for frame in frames]
    sets = {name: {"bboxes": boxes, "score": score}}
    clips = [{"clip_uid": "c", "predictions": [{"query_sets": sets}]}]
    videos = {"videos": [{"video_uid": "v", "clips": clips}]}
    return {"version": "1.0.5", "challenge": "ego4d_vq2d_challenge", "results": videos}


def test_tubes(tmp_path):
    files = write(tmp_path / "vq_val.json", TRACK), write(tmp_path / "mine.json", tube(range(10, 15)))
    result = evaluate("ego4d-vq2d", *files, "--json")
    assert result.code == 0, result.stderr
    metrics = result.json["report"]["metrics"]
    assert [metrics[name] for name in ("tAP", "tAP25", "stAP", "recovery", "success")] == [
        50,
        100,
        50,
        50,
        100,
    ]
    assert metrics["baselines"]["all frames, the full frame"]["tAP25"] == 100  # 10 of 40 frames
    assert metrics["baselines"]["all frames, the full frame"]["recovery"] == 0


@pytest.mark.parametrize(
    ("submission", "words"),
    [
        (tube(range(3), name="2"), "query `v/c/0/2` is not in the annotations"),
        (tube([10, 12]), "box 1 is of frame 12, behind frame 10: frames are contiguous"),
        (tube([10], x2=-1), "box 0 ends before it starts"),
        (tube([10], x2=None), "no frame `fno` with x1, y1, x2, y2"),
        (tube([1 << 70]), "no frame `fno`"),
        (tube([10], score=float("nan")), "`score` is NaN, no finite number"),
        (tube([10]) | {"results": []}, "no object `results`"),
    ],
)
def test_a_wrong_submission_of_tubes(tmp_path, submission, words):
    truth = write(tmp_path / "vq_val.json", TRACK)
    refused(evaluate("ego4d-vq2d", truth, write(tmp_path / "mine.json", submission)), words)


def test_fix_empties_a_wrong_tube(tmp_path):
    files = write(tmp_path / "vq_val.json", TRACK), write(tmp_path / "mine.json", tube([10, 12]))
    metrics = evaluate("ego4d-vq2d", *files, "--fix", "--json").json["report"]["metrics"]
    assert (metrics["tAP"], metrics["recovery"], metrics["dropped_predictions"]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (vq([3]), "response 0 is 3, no box"),
        (vq([box(10**400)]), "`frame_number` is 1000"),
        (vq([box(1, width=1e200)]), "`width` is 1e+200, no finite number"),
        (vq([box(1, width=-2)]), "is a box of -2 × 10"),
        (vq([box(1)], query_frame=10**12), "`query_frame` is 1000000000000"),
        (vq(None), "no list `response_track`"),
        (vq([], is_valid=False), "no valid visual queries"),
    ],
)
def test_wrong_annotations_of_tubes(tmp_path, truth, words):
    mine = write(tmp_path / "mine.json", tube(range(10, 15)))
    refused(evaluate("ego4d-vq2d", write(tmp_path / "vq_val.json", truth), mine), words)
