"""Submissions of every challenge: written from hits, read back by the readers of submissions, scored."""

from dataclasses import replace

import numpy as np
import pytest

from avtool.benchmarks.localisation import activities, moments, sentences, sentences_ego4d, tubes
from avtool.benchmarks.localisation.writing import Located, write_submission
from avtool.data.queries.collector import ConvertOptions
from avtool.data.queries.convert import convert
from avtool.data.readers.charades_sta import read_charades_sta
from avtool.evaluation.localisation.submissions import (
    WindowChecks,
    read_jsonl_submission,
    read_mq_submission,
    read_nlq_submission,
    read_sentence_submission,
)
from avtool.evaluation.localisation.tube_submission import read_vq_submission
from avtool.inference.localisation.frame_scores import FrameScores, Hit
from tests.unit.data.queries.annotations import mq, nlq, qvhighlights, videos, vq, write

FAR = Hit(50.0, 52.0, 0.25, 51.0)


def perfect(table, *, offset=False):
    """The true segments of each query, best first, and a wrong one behind them."""
    found = {}
    for key, rows in table.queries().items():
        hits = [Hit(row.start, row.end, 0.9 - place / 10, row.start) for place, row in enumerate(rows)]
        if rows[0].boxes:
            hits = [
                replace(hits[0], boxes=tuple(_relative(box, rows[0].frame_size) for box in rows[0].boxes))
            ]
        moved = replace(FAR, start=FAR.start + rows[0].offset, end=FAR.end + rows[0].offset)
        found[key] = Located([*hits, moved])
    return found


def _relative(box, size):
    time, x, y, width, height = box
    return time, x / size[0], y / size[1], width / size[0], height / size[1]


def _table(tmp_path, name, file, content, **options):
    path = write(tmp_path / file, content)
    return path, convert(name, path, ConvertOptions(zero_length="keep", **options)).table()


def test_sentences_of_ego4d(tmp_path):
    content = videos(nlq(("a", 3, 5.5), ("", 0, 0), ("b", 7, 7)), nlq(("c", 1, 59)))
    path, table = _table(tmp_path, "ego4d-nlq", "nlq_val.json", content)
    found = perfect(table)
    found["c0/a/2"] = Located([FAR])  # the one without a length
    out = tmp_path / "mine.json"
    write_submission("sentences_ego4d", table, found, out)
    read = read_nlq_submission(out, WindowChecks())
    assert {key: one.windows.tolist() for key, one in read.items()} == {
        "c0/a/0": [[3, 5.5], [50, 52]],
        "c0/a/2": [[50, 52]],
        "c1/a/0": [[1, 59], [50, 52]],
    }
    scored = sentences_ego4d.score(path, out, fix=False, seed=0)
    assert scored.means["R1@0.5"] == pytest.approx(200 / 3)
    assert scored.coverage.unreachable == 2  # and the query without a sentence


def test_activities(tmp_path):
    content = videos(mq(("a", 1, 4, True), ("a", 20, 30, True)), mq(("b", 2, 3.5, True)))
    path, table = _table(tmp_path, "ego4d-mq", "moments_val.json", content)
    out = tmp_path / "mine.json"
    write_submission("activities", table, perfect(table), out)
    detected, retrieved = read_mq_submission(out, WindowChecks())
    assert detected == retrieved
    assert [(one.label, one.start, one.end, one.score) for one in detected["c0"]] == [
        ("a", 1, 4, 0.9),
        ("a", 20, 30, 0.8),
        ("a", 50, 52, 0.25),
    ]
    scored = activities.score(path, out, fix=False, seed=0)
    assert (scored.means["mAP"], scored.means["R@1x, 0.5"]) == (100, 100)


@pytest.mark.parametrize("whole_videos", [False, True])
def test_tubes(tmp_path, whole_videos):
    media = tmp_path / "films"
    media.mkdir()
    (media / "v1.mkv").touch()
    content = videos([*vq([5, 6]), *vq(range(102, 105))], vq([10, 11]))
    options = {"media": media} if whole_videos else {}
    path, table = _table(tmp_path, "ego4d-vq", "vq_val.json", content, **options)
    assert [row.offset for row in table] == [0, 0, 100.0 * whole_videos]
    out = tmp_path / "mine.json"
    write_submission("tubes", table, perfect(table), out)
    read = read_vq_submission(out, WindowChecks())
    assert list(read) == [row.query_id for row in table]
    assert read["v0/c0/1/1"].frames.tolist() == [102, 103, 104]
    assert read["v1/c1/0/1"].frames.tolist() == [10, 11]
    assert read["v0/c0/0/1"].boxes.tolist() == [[10, 5, 30, 35]] * 2
    scored = tubes.score(path, out, fix=False, seed=0)
    assert [scored.means[name] for name in ("stAP", "tAP", "recovery", "success")] == [100] * 4


def test_a_tube_without_boxes_is_the_whole_frame_and_ends_where_the_search_does(tmp_path):
    _, table = _table(tmp_path, "ego4d-vq", "vq_val.json", videos(vq([10, 11])))
    out = tmp_path / "mine.json"
    write_submission("tubes", table, {"v0/c0/0/1": Located([Hit(38, 44, 0.5, 39)])}, out)
    (tube,) = read_vq_submission(out, WindowChecks()).values()
    assert tube.frames.tolist() == list(range(190, 200))
    assert tube.boxes[0].tolist() == [0, 0, 100, 50]
    write_submission("tubes", table, {"v0/c0/0/1": Located([])}, out)
    assert not len(next(iter(read_vq_submission(out, WindowChecks()).values())).frames)


def test_moments_and_highlights(tmp_path):
    path, table = _table(tmp_path, "qvhighlights", "highlight_val_release.jsonl", qvhighlights())
    found = perfect(table)
    times = np.arange(300) * 0.5
    foreground = np.where(times < 2, 0.8, 0.2).astype(np.float32)
    found["7"] = replace(found["7"], scores=FrameScores(times, 0.5, foreground))
    out = tmp_path / "mine.jsonl"
    write_submission("moments", table, found, out)
    read = read_jsonl_submission(out, WindowChecks())
    assert read["7"].windows.tolist() == [[0, 2], [10, 20], [50, 52]]
    assert read["7"].saliency.tolist() == [0.8] + [0.2] * 74
    assert read["9"].saliency is None
    scored = moments.score(path, out, fix=False, seed=0)
    assert (scored.means["mAP"], scored.means["R1@0.7"]) == (100, 100)


def test_sentences_of_charades(tmp_path):
    path = tmp_path / "charades_sta_test.txt"
    path.write_text(
        "3MSZA 24.3 30.4##person turns.\nAMT7R 0.0 6.0##a person sits.\n3MSZA 1 2##Person turns\n"
    )
    table = convert("charades-sta", path, ConvertOptions()).table()
    found = perfect(table)
    out = tmp_path / "mine.jsonl"
    write_submission("sentences", table, found, out)
    scored = sentences.score(path, out, fix=False, seed=0)
    assert scored.coverage.missing == []
    read = read_sentence_submission(out, read_charades_sta(path), WindowChecks())
    assert read["2"].windows.tolist() == [[0, 6], [50, 52]]
    assert scored.means["R1@0.7"] == pytest.approx(200 / 3)  # one sentence is there twice


def test_queries_without_a_search_are_left_out(tmp_path):
    content = videos(nlq(("a", 3, 5.5), ("b", 7, 8)))
    _, table = _table(tmp_path, "ego4d-nlq", "nlq_val.json", content)
    out = tmp_path / "mine.json"
    write_submission("sentences_ego4d", table, {"c0/a/1": Located([FAR])}, out)
    assert list(read_nlq_submission(out, WindowChecks())) == ["c0/a/1"]
