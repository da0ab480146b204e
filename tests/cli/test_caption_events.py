"""`avtool caption --model TABLE.csv`: captions of given events, without a model."""

from pathlib import Path

import pytest

from avtool.core.errors import ExitCode
from avtool.media.captions.reading import read_captions
from tests.harness import noise, run_avtool, write_wav

EVENTS = (
    "film,start,end,phrase,score\nfilm.wav,2,4,dog barks,0.9\nother,1,2,bell rings,0.9\n,7,8,door slams,0.4\n"
)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "film.wav", noise(12.0, 0.02))


def write_events(folder: Path, text: str = EVENTS) -> Path:
    path = folder / "events.csv"
    path.write_text(text, encoding="utf-8")
    return path


def texts(out: Path) -> list[str]:
    return [cue.text for cue in read_captions(out / "film.en-sdh.vtt").cues]


def test_events_of_the_film_and_of_no_film_are_captioned(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_avtool("caption", film, "--model", write_events(tmp_path), "--out", out, "--json")
    assert done.code == 0, done.stderr
    assert done.json["films"][0]["cues"] == 2
    assert texts(out) == ["[dog barks]", "[door slams]"]
    assert read_captions(out / "film.en-sdh.vtt").cues[0].start_ms == 2000


def test_a_changed_table_is_another_model(film: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", write_events(tmp_path)
    assert run_avtool("caption", film, "--model", table, "--out", out).code == 0
    assert run_avtool("caption", film, "--model", table, "--out", out, "--json").json["films"][0][
        "status"
    ] == ("kept")
    write_events(tmp_path, EVENTS.replace("dog barks", "owl hoots"))
    assert run_avtool("caption", film, "--model", table, "--out", out).code == ExitCode.BAD_INPUT
    assert run_avtool("caption", film, "--model", table, "--out", out, "--overwrite").code == 0
    assert texts(out)[0] == "[owl hoots]"


def test_the_events_that_caption_writes_are_such_a_table(film: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run_avtool("caption", film, "--model", write_events(tmp_path), "--out", first).code == 0
    assert run_avtool("caption", film, "--model", first / "events.csv", "--out", second).code == 0
    assert (first / "events.csv").read_bytes() == (second / "events.csv").read_bytes()
    assert texts(first) == texts(second)


def test_scores_below_the_threshold_are_left_out(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    table = write_events(tmp_path)
    assert run_avtool("caption", film, "--model", table, "--threshold", "0.5", "--out", out).code == 0
    assert texts(out) == ["[dog barks]"]


def test_a_film_that_no_row_names_is_mentioned(film: Path, tmp_path: Path) -> None:
    table = write_events(tmp_path, "film,start,end,phrase\nother,1,2,bell rings\n")
    done = run_avtool("caption", film, "--model", table, "--out", tmp_path / "out")
    assert done.code == 0
    assert "no row of" in done.stderr


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("start,phrase\n1,a\n", "no column `end`"),
        ("start,end\n1,2\n", "no column `phrase`"),
        ("start,end,phrase\n3,2,a\n", "line 2: the event ends at 2 s"),
        ("start,end,phrase\n1,x,a\n", "line 2: end is `x`"),
        ("start,end,phrase\n1,nan,a\n", "line 2: end is `nan`"),
        ("start,end,phrase\n1,2,\n", "line 2 has neither phrase nor label"),
        ("start,end,phrase,score\n1,2,a,3\n", "line 2: score 3"),
        ("start,end,phrase\n1\n", "line 2: end is ``"),
        ("\x00", "no column `start`"),
    ],
)
def test_a_bad_table_is_named_with_its_line(film: Path, tmp_path: Path, text: str, named: str) -> None:
    done = run_avtool(
        "caption", film, "--model", write_events(tmp_path, text), "--out", tmp_path / "out", "-q"
    )
    assert done.code == ExitCode.BAD_INPUT
    assert named in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert not (tmp_path / "out").exists()


def test_phrases_of_classes_and_an_absent_table_are_refused(film: Path, tmp_path: Path) -> None:
    table, out = write_events(tmp_path), tmp_path / "out"
    done = run_avtool("caption", film, "--model", table, "--phrases", table, "--out", out)
    assert (done.code, "has its own phrases" in done.stderr) == (ExitCode.BAD_INPUT, True)
    done = run_avtool("caption", film, "--model", tmp_path / "none.csv", "--out", out)
    assert (done.code, "does not exist" in done.stderr) == (ExitCode.BAD_INPUT, True)
