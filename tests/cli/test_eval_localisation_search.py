"""`avtool eval` of located queries by an engine: a submission is written, scored, and scored again."""

import json

import pytest

from tests.harness import run_avtool
from tests.queried_films import write_queried
from tests.unit.benchmarks.localisation.test_searching import content, square
from tests.unit.data.queries.annotations import nlq, write


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return write_queried(tmp_path_factory.mktemp("films") / "films", train=1, val=0).parent


def search(name, path, *options):
    return run_avtool("eval", "--benchmark", name, "--data", path, *options, "--json")


def test_search_and_score(tmp_path, films):
    path, mine = write(tmp_path / "vq_val.json", content(square(0))), tmp_path / "mine.json"
    options = ("--films", films / "index", "--engine", "similarity", "--device", "cpu")
    result = search("ego4d-vq2d", path, *options, "--submission", mine, "--out", tmp_path / "report")
    assert result.code == 0, result.stderr
    metrics = result.json["report"]["metrics"]
    assert (metrics["queries"], metrics["missing_queries"]) == (1, 0)
    assert "similarity engine: 1 queries in 1 of 1 films" in str(result.json["report"]["notes"])
    assert json.loads((tmp_path / "report" / "metrics.json").read_text())["stAP25"] == metrics["stAP25"]
    again = search("ego4d-vq2d", path, "--predictions", mine)
    assert again.json["report"]["metrics"] == metrics


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--engine", "similarity"), "an engine needs films"),
        (("--engine", "grounding", "--films", "."), "needs a trained network"),
        (("--engine", "similarity", "--films", "nowhere"), "is no folder"),
        ((), "--predictions is not given"),
    ],
)
def test_bad_input(tmp_path, options, words):
    path = write(tmp_path / "nlq_val.json", content(nlq(("a", 1, 3))))
    result = run_avtool("eval", "--benchmark", "ego4d-nlq", "--data", path, *options)
    assert result.code == 2, result.stderr
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 2  # an error, and its hint


def test_a_submission_never_replaces_the_annotations(tmp_path, films):
    path = write(tmp_path / "vq_val.json", content(square(0)))
    before = path.read_bytes()
    options = ("--films", films / "index", "--engine", "similarity", "--submission", path)
    result = search("ego4d-vq2d", path, *options)
    assert result.code == 2, result.stderr
    assert path.read_bytes() == before
