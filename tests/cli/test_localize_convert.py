"""`avtool localize convert`, and `find` by a network: tables, counts, bad input in one line."""

import json

import pytest

from avtool.data.queries.table import read_queries
from tests.cli.test_eval_localisation import refused
from tests.grounding_models import save_grounding
from tests.harness import run_avtool
from tests.queried_films import write_queried
from tests.unit.data.queries.annotations import mined, mq, nlq, qvhighlights, videos, vq, write

SENTENCES = videos(nlq(("where is it", 3.0, 5.5), ("", 0, 0), ("what", 7, 7)), nlq(("who", 1, 2)))


@pytest.mark.parametrize(
    ("name", "file", "content", "queries", "rows"),
    [
        ("ego4d-nlq", "nlq_val.json", SENTENCES, 2, 2),
        ("ego4d-mq", "moments_val.json", videos(mq(("a", 1, 2, True), ("a", 5, 6, True)), mq()), 1, 2),
        ("ego4d-vq", "vq_val.json", videos(vq([10, 11]), vq([3])), 2, 2),
        ("qvhighlights", "highlights.jsonl", qvhighlights(), 2, 3),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_published_annotations(tmp_path, name, file, content, queries, rows, suffix):
    path, out = write(tmp_path / file, content), tmp_path / f"queries{suffix}"
    result = run_avtool("localize", "convert", path, "--from", name, "--out", out, "--json")
    assert result.code == 0, result.stderr
    counts = result.json["result"]
    assert (counts["queries"], counts["rows"], counts["films"]) == (
        queries,
        rows,
        len(read_queries(out).by_media()),
    )
    assert len(read_queries(out)) == rows


def test_a_dataset(tmp_path):
    mined(tmp_path / "mined")
    out = tmp_path / "queries.jsonl"
    options = ("--kinds", "label,audio", "--set", "absent=1", "--json")
    result = run_avtool("localize", "convert", tmp_path / "mined", "--out", out, *options)
    assert result.code == 0, result.stderr
    assert result.json["result"]["kinds"] == {"label": 6, "audio": 2}
    assert sum(row.absent for row in read_queries(out)) == 2


def test_zero_length_segments(tmp_path):
    path, out = write(tmp_path / "nlq_val.json", SENTENCES), tmp_path / "queries.jsonl"
    options = ("--from", "ego4d-nlq", "--zero-length", "pad", "--pad", "2", "--out", out)
    result = run_avtool("localize", "convert", path, *options)
    assert result.code == 0, result.stderr
    assert "1 segments (33.3 %) have no length and are padded to 2 s" in result.stderr
    assert [(row.start, row.end) for row in read_queries(out)] == [(3, 5.5), (6, 8), (1, 2)]


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (json.dumps(SENTENCES)[:150], ("--from", "ego4d-nlq"), "it may be cut off: fetch it again"),
        (json.dumps(videos(nlq(("x", 5, 4)))), ("--from", "ego4d-nlq"), "annotation 0, query 0 ends at 4 s"),
        (json.dumps(videos(vq([10, 12]))), ("--from", "ego4d-vq"), "query 1: box 1 is 0.4 s behind"),
        (json.dumps(SENTENCES), ("--from", "ego4d-nl"), "did you mean `ego4d-nlq`"),
        (json.dumps(SENTENCES), (), "is no dataset of avtool"),
    ],
)
def test_bad_input(tmp_path, text, options, words):
    path = tmp_path / "annotations.json"
    path.write_text(text)
    out = tmp_path / "queries.jsonl"
    refused(run_avtool("localize", "convert", path, *options, "--out", out), words)
    assert not out.exists()


def test_a_network_finds_the_queries_of_a_table(tmp_path):
    table = write_queried(tmp_path / "films", train=1, val=0)
    model, index = save_grounding(table.parent), table.parent / "index"
    options = ("--model", model, "--device", "cpu", "--set", "ranking.always=true", "-q", "--json")
    result = run_avtool("localize", "find", index, "--queries", table, *options)
    assert result.code == 0, result.stderr
    assert {row.query_id for row in read_queries(table)} <= set(json.dumps(result.json).split('"'))
    refused(
        run_avtool("localize", "find", index, "--label", "squares", *options), "the nearest: square, tone"
    )
    other = ("--text-encoder", table.parent / "other")
    refused(run_avtool("localize", "find", index, "--text", "x", *options, *other), "is no text encoder")
    short = run_avtool("localize", "find", index, "--text", "x", *options, "--window", "1")
    refused(short, "a window of 4 frames")
