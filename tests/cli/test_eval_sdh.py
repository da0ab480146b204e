"""`avtool eval --benchmark sdh`: caption files, folders, submissions, streams, and bad input."""

import json

import pytest

from avtool.media.captions.cue import Cue
from avtool.media.captions.writing import write_captions
from tests.harness import run_avtool
from tests.meteor_data import small_phrase_table

TRUE = ((1, "[door slams]"), (5, "Hello there, my friend."), (10, "[dog barking]"), (20, "[glass breaks]"))
FOUND = (
    (1.4, "[door slamming]"),
    (5, "Hello there, my friend."),
    (15, "[gunshot]"),
    (20.2, "[glass shatters]"),
)


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_captions(
        [Cue(round(1000 * start), round(1000 * start) + 2000, (text,)) for start, text in rows], path
    )
    return path


@pytest.fixture
def files(cache, tmp_path):
    small_phrase_table(tmp_path)
    return write(tmp_path / "film.en.srt", TRUE), write(tmp_path / "out" / "film.en-sdh.vtt", FOUND)


def evaluate(data, predictions, *options):
    return run_avtool("eval", "--benchmark", "sdh", "--data", data, "--predictions", predictions, *options)


def test_report(files, tmp_path):
    out = tmp_path / "report"
    result = evaluate(*files, "--out", out, "--json")
    assert result.code == 0, result.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["onset"]["1"]["matched"] == 1
    assert metrics["onset"]["1"]["found"] == 3
    assert metrics["dialogue_words_changed"] == 0
    assert metrics["false_per_hour"] == pytest.approx(2 * 3600 / 22)
    assert set(metrics["baselines"]) == {"commonest cue", "cues at chance"}
    page = (out / "report.html").read_text()
    for text in ("matched", "missed", "false", "0:00:15.0", "gunshot", "cues at chance"):
        assert text in page, text


def test_folder_and_submission_give_the_same(files, tmp_path):
    data, predictions = files
    rows = [
        {"sentence": text, "timestamp": [start, start + 2]} for start, text in FOUND if text.startswith("[")
    ]
    submission = tmp_path / "submission.json"
    submission.write_text(json.dumps({"results": {"film": rows}}))
    found = [
        evaluate(data, path, "--json").json["report"]["metrics"]["onset"]
        for path in (predictions, predictions.parent, submission)
    ]
    assert found[0] == found[1] == found[2]


def test_dialogue_that_captions_were_merged_with(files, tmp_path):
    data, predictions = files
    dialogue = write(tmp_path / "dialogue.srt", ((5, "Hello there, my dear friend."),))
    result = evaluate(data, predictions, "--dialogue", dialogue, "--json")
    assert result.json["report"]["metrics"]["dialogue_words_changed"] == 1


@pytest.mark.parametrize(
    ("rows", "words"), [(((5, "Hello there, my friend."),), "has no sound captions"), ((), "")]
)
def test_film_without_sounds(files, tmp_path, rows, words):
    result = evaluate(write(tmp_path / "silent.srt", rows), files[1])
    assert result.code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_bad_input(files, tmp_path):
    data, predictions = files
    empty = tmp_path / "empty"
    empty.mkdir()
    for arguments, words in (
        ((data, empty), "has no captions of"),
        ((data, tmp_path / "gone.vtt"), "gone.vtt"),
        ((tmp_path / "gone.srt", predictions), "gone.srt"),
        ((data, predictions, "--style", "netflixx"), "netflix"),
    ):
        result = evaluate(*arguments)
        assert (result.code, words in result.stderr, "Traceback" in result.stderr) == (2, True, False), words
    assert run_avtool("eval", "--benchmark", "sdh").code == 2
