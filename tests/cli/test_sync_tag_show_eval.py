"""`avtool sync`, `tag`, `show` and `eval` as a user runs them."""

import json
from pathlib import Path

import pytest

from avtool.cli.main import run
from avtool.core.artifact import read_artifact, verify
from avtool.media.captions.reading import read_captions
from avtool.synthetic.distort import Distortion
from avtool.synthetic.make_film import make_film


@pytest.fixture(scope="module")
def late_film(tmp_path_factory) -> Path:
    """Seven minutes with captions 5 s late, long enough to be synchronised."""
    folder = tmp_path_factory.mktemp("late")
    make_film(folder, seed=3, minutes=7, name="late", video="none", distortion=Distortion(offset=5.0))
    return folder / "late.mkv"


def test_sync_moves_captions_and_keeps_every_one(late_film, tmp_path, capsys):
    out = tmp_path / "fixed.vtt"
    assert (
        run(["sync", str(late_film), str(late_film.with_suffix(".srt")), "-o", str(out), "--json", "-q"]) == 0
    )
    result = json.loads(capsys.readouterr().out)
    assert result["decision"] == "global"
    assert result["map"]["segments"][0]["offset"] == pytest.approx(-5, abs=0.15)
    before = read_captions(late_film.with_suffix(".srt")).cues
    after = read_captions(out).cues
    assert [cue.lines for cue in after] == [cue.lines for cue in before]
    shifts = [new.start_ms - old.start_ms for new, old in zip(after, before, strict=True)]
    assert max(shifts) - min(shifts) <= 1
    assert run(["sync", str(late_film), "auto", "-o", str(out), "-q"]) == 2
    assert "exists already" in capsys.readouterr().err


def test_sync_writes_to_stdout_and_leaves_good_captions_alone(late_film, tmp_path, capsys):
    fixed = tmp_path / "fixed.srt"
    assert run(["sync", str(late_film), "-o", str(fixed), "-q"]) == 0
    capsys.readouterr()
    assert run(["sync", str(late_film), str(fixed), "-o", "-"]) == 0
    output = capsys.readouterr()
    assert output.out == fixed.read_text()
    assert "already in step" in output.err


def test_sync_refuses_captions_of_another_film(late_film, tmp_path, capsys):
    make_film(tmp_path, seed=77, minutes=7, name="other", video="none")
    out = tmp_path / "x.srt"
    assert run(["sync", str(late_film), str(tmp_path / "other.srt"), "-o", str(out), "-q"]) == 2
    assert "captions do not match this film" in capsys.readouterr().err
    assert not out.exists()


def test_sync_writes_nothing_where_the_times_cannot_be_checked(late_film, tmp_path, capsys):
    few, out = tmp_path / "few.srt", tmp_path / "x.srt"
    few.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n2\n00:00:03,000 --> 00:00:04,000\nYes.\n")
    assert run(["sync", str(late_film), str(few), "-o", str(out), "-q"]) == 2
    shown = capsys.readouterr().err
    assert "only 2 dialogue cues (needs 8 to compare with speech)" in shown
    assert "--sync none" in shown
    assert not out.exists()
    assert run(["sync", str(late_film), str(few), "-o", str(out), "-q", "--sync", "none"]) == 0
    assert read_captions(out).cues == read_captions(few).cues


def test_tag_reads_arguments_and_stdin(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", iter(["[dog barks]\n", "# a comment\n", "\n"]))
    assert run(["tag", "door slams in distance", "-", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["tags"]
    assert (first["sounds"], first["sources"], first["qualities"]) == (["slam"], ["door"], ["in distance"])
    assert (second["tag"], second["sounds"], second["aspect"]) == ("[dog barks]", ["bark"], "abrupt")


def test_tag_reads_other_languages(capsys):
    assert run(["tag", "Hund bellt", "--lang", "de", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["tags"]
    assert (found["sounds"], found["sources"]) == (["bark"], ["dog"])
    assert run(["tag", "cane abbaia", "--lang", "it"]) == 2
    assert "no lexicon for `it`" in capsys.readouterr().err


def test_show_tells_films_captions_and_artifacts_apart(late_film, tmp_path, capsys):
    assert run(["show", str(late_film), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "media"
    assert run(["show", str(late_film.with_suffix(".srt")), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["facts"]["format"] == "srt"
    out = tmp_path / "out"
    assert run(["mine-subtitles", str(late_film), "--out", str(out), "--vad", "webrtc", "-q"]) == 0
    capsys.readouterr()
    assert run(["show", str(out), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["kind"], shown["problems"], shown["facts"]["groups"]) == ("dataset", [], 1)
    (out / "events.csv").write_text("changed")
    assert run(["show", str(out), "-q"]) == 4
    assert "events.csv has changed" in capsys.readouterr().err
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 20)
    assert run(["show", str(tmp_path / "noise")]) == 2


def test_eval_writes_a_report(tmp_path, capsys):
    table = tmp_path / "tags.csv"
    rows = [
        "door slams,slams,door,None",
        "dog barking in distance,barking,dog,in distance",
        "john,None,None,None",
    ]
    table.write_text("audio_tag,sound,source,quality\n" + "\n".join(rows) + "\n")
    out = tmp_path / "report"
    assert run(["eval", "--benchmark", "sams-tags", "--data", str(table), "--out", str(out), "-q"]) == 0
    assert read_artifact(out, "report").kind == "report"
    assert verify(out) == []
    assert json.loads((out / "metrics.json").read_text())["tagger"]["exact"] == 1.0
    assert "<table>" in (out / "report.html").read_text()
    capsys.readouterr()


def test_a_refused_benchmark_leaves_nothing_behind(tmp_path):
    out = tmp_path / "report"
    lacking = ["--predictions", str(tmp_path / "absent"), "--out", str(out), "-q"]
    assert run(["eval", "--benchmark", "vggsound", *lacking]) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no benchmark given"),
        (["--benchmark", "sams-tag"], "no benchmark is called `sams-tag`"),
        (["--benchmark", "sams-tags"], "give --data"),
        (["--benchmark", "sams-tags", "--data", "none.csv"], "none.csv"),
        (["--benchmark", "caption-sync", "--lemmas", "x.csv"], "does not take --lemmas"),
        (["--benchmark", "caption-sync", "--set", "film=3"], "unknown key `film`"),
    ],
)
def test_eval_refuses_in_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert run(["eval", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
