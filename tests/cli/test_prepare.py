"""`avtool prepare` and `avtool stats` as a user runs them: results, resume, kill, bad media, bad input."""

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from avtool.cli.main import run
from avtool.core.artifact import read_artifact, verify
from avtool.core.artifact_folder import partial_folder
from avtool.data.manifest import read_manifest
from avtool.media.probe import probe
from tests.harness import AVTOOL, write_grey_film, write_sine

RATE = 16000


@pytest.fixture
def media(tmp_path) -> Path:
    """Two classes: three sounds, a film, and notes that are no media."""
    folder = tmp_path / "media"
    for name in ("dog/1.wav", "dog/2.wav", "cat/1.wav"):
        write_sine(folder / name)
    write_grey_film(folder / "cat" / "2.mp4", 2.0, size=(96, 128))
    (folder / "cat" / "notes.txt").write_text("x")
    return folder


def prepare(*arguments: object) -> int:
    return run(["prepare", *map(str, arguments), "--no-progress", "-q"])


def rows(out: Path) -> dict:
    return {clip.clip_id: clip for clip in read_manifest(out)}


def problems(out: Path) -> list[tuple[str, str]]:
    with (out / "problems.csv").open() as stream:
        return [(row["kind"], row["where"]) for row in csv.DictReader(stream)]


def test_a_folder_becomes_a_data_set(media, tmp_path, capsys):
    out = tmp_path / "out"
    assert prepare(media, "--out", out, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["summary"]["clips"] == 4
    assert read_artifact(out, "dataset").recipe["recipe"]["layout"] == "auto"
    assert verify(out) == []
    found = rows(out)
    assert found["dog/1"].labels == ("dog",)
    assert found["dog/1"].media == str(media / "dog" / "1.wav")
    assert (found["dog/1"].start, found["dog/1"].end) == (0.0, 0.5)
    assert found["cat/2"].end == pytest.approx(2.0, abs=0.1)
    assert found["cat/2"].extras == {"has_audio": True, "has_video": True}
    assert found["cat/1"].extras == {"has_audio": True, "has_video": False}
    assert (out / "labels" / "classes.csv").read_text() == "index,label,count\n0,cat,2\n1,dog,2\n"
    assert "A prepared dataset" in (out / "report.html").read_text()
    assert run(["show", str(out)]) == 0


def test_equal_runs_give_equal_manifests_whatever_the_number_of_processes(media, tmp_path):
    for name, jobs in (("one", 1), ("two", 2)):
        assert prepare(media, "--out", tmp_path / name, "--jobs", jobs) == 0
    one, two = ((tmp_path / name / "manifest.parquet").read_bytes() for name in ("one", "two"))
    assert one == two


def test_the_same_command_looks_only_at_what_has_changed(media, tmp_path, capsys):
    out = tmp_path / "out"
    assert prepare(media, "--out", out) == 0
    write_sine(media / "dog" / "1.wav", 0.8)
    write_sine(media / "dog" / "3.wav")
    capsys.readouterr()
    assert run(["prepare", str(media), "--out", str(out), "--no-progress"]) == 0
    assert "3 of 5 media were looked at before" in capsys.readouterr().err
    assert rows(out)["dog/1"].end == 0.8
    assert len(rows(out)) == 5


def test_bad_media_are_listed_and_the_others_kept(media, tmp_path, capsys):
    out = tmp_path / "out"
    (media / "dog" / "bad.wav").write_bytes(b"RIFF no")
    (media / "dog" / "empty.wav").write_bytes(b"")
    write_sine(media / "dog" / "blip.wav", 0.01)
    write_sine(media / "dog" / "mute.wav", gain=0.0)
    assert prepare(media, "--out", out) == 1
    assert sorted(problems(out)) == [
        ("outside", str(media / "dog" / "blip.wav")),
        ("silent", str(media / "dog" / "mute.wav")),
        ("unreadable", str(media / "dog" / "bad.wav")),
        ("unreadable", str(media / "dog" / "empty.wav")),
    ]
    assert set(rows(out)) == {"cat/1", "cat/2", "dog/1", "dog/2", "dog/mute"}
    errors = capsys.readouterr().err
    assert "mute.wav: its audio is digital silence" in errors
    assert "Traceback" not in errors


def test_silent_clips_alone_are_no_failure(media, tmp_path):
    write_sine(media / "dog" / "mute.wav", gain=0.0)
    assert prepare(media, "--out", tmp_path / "out") == 0


def test_the_first_bad_medium_can_stop_it(media, tmp_path, capsys):
    (media / "dog" / "bad.wav").write_bytes(b"RIFF no")
    assert prepare(media, "--out", tmp_path / "out", "--fail-fast") == 2
    assert "is not a readable film or audio file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_usable_leaves_nothing(tmp_path, capsys):
    (tmp_path / "media" / "x").mkdir(parents=True)
    (tmp_path / "media" / "x" / "bad.wav").write_bytes(b"no")
    assert prepare(tmp_path / "media", "--out", tmp_path / "out") == 1
    assert "none of the 1 media can be used" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


def table(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text)
    return path


def test_a_table_with_times_in_films(media, tmp_path):
    text = (
        "film,start,end,label,split\ncat/2.mp4,0.5,1.0,a;b,train\ncat/2,1,9,b,validation\nnone.mp4,0,1,a,\n"
    )
    assert prepare(table(media, text), "--out", tmp_path / "out") == 1
    found = rows(tmp_path / "out")
    assert [(clip.start, clip.labels, clip.split, clip.group) for clip in found.values()] == [
        (0.5, ("a", "b"), "train", "cat/2.mp4"),
        (1.0, ("b",), "val", "cat/2"),
    ]
    assert found["cat/2_1"].end == pytest.approx(2.0, abs=0.1)
    assert problems(tmp_path / "out") == [("beyond", "list.csv line 3"), ("absent", "list.csv line 4")]


def test_a_web_list_lives_with_absent_media_and_with_clips_cut_by_others(tmp_path):
    media = tmp_path / "videos"
    write_sine(media / "abcdefghij1_30.flac", 1.0)
    write_sine(media / "sub" / "abcdefghij2.wav", 1.0)
    write_sine(media / "abcdefghij3.wav", 1.5)
    lines = "".join(f'abcdefghij{n},30.000,31.000,"/m/1,/m/2"\n' for n in range(1, 5))
    (tmp_path / "eval_segments.csv").write_text(f"YTID,start_seconds,end_seconds,positive_labels\n{lines}")
    assert prepare(tmp_path / "eval_segments.csv", "--media", media, "--out", tmp_path / "out") == 0
    found = rows(tmp_path / "out")
    assert [(name, clip.start, clip.end) for name, clip in found.items()] == [
        ("abcdefghij1_30000", 0.0, 1.0),
        ("abcdefghij2_30000", 0.0, 1.0),
        ("abcdefghij3_30000", 0.0, 1.5),
    ]
    assert problems(tmp_path / "out") == [("absent", "eval_segments.csv line 5")]


def test_all_media_absent_is_an_error_that_says_where_it_looked(tmp_path, capsys):
    (tmp_path / "test.csv").write_text("abcdefghijk_000030.mp4,dog\n")
    assert prepare(tmp_path / "test.csv", "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "none of the 1 clips has its file in" in error
    assert "`abcdefghijk_000030` or `abcdefghijk`" in error
    assert "--media" in error


def test_esc_keeps_five_seconds_where_a_file_is_shorter(tmp_path):
    folder = tmp_path / "ESC-10"
    for name, seconds in (("1-100-A", 3.6), ("2-200-A", 7.2)):
        write_sine(folder / "001 - Dog bark" / f"{name}.wav", seconds)
    assert prepare(folder, "--out", tmp_path / "out") == 0
    assert [(clip.start, clip.end) for clip in rows(tmp_path / "out").values()] == [(0.0, 5.0), (0.0, 5.0)]


def test_copies_are_small_inside_and_made_once(media, tmp_path):
    out = tmp_path / "out"
    command = [media, "--out", out, "--reencode", "--height", 48]
    assert prepare(*command) == 0
    found = rows(out)
    film = out / found["cat/2"].media
    assert film.parent == out / "clips"
    assert probe(film).video[0].height == 48
    assert [stream.codec for stream in probe(film).audio] == ["flac"]
    assert found["dog/1"].media.endswith(".flac")
    before = {path.name: path.stat().st_mtime_ns for path in (out / "clips").iterdir()}
    (media / "dog" / "2.wav").unlink()
    assert prepare(*command) == 0
    after = {path.name: path.stat().st_mtime_ns for path in (out / "clips").iterdir()}
    assert after == {
        name: time for name, time in before.items() if not name.startswith("2-") or ".mp4" in name
    }
    assert verify(out) == []


def test_groups_are_divided_and_never_cut(media, tmp_path):
    files = ["dog/1.wav", "dog/2.wav", "cat/1.wav", "cat/2.mp4"] * 3
    lines = [f"c{n},{file},x,film{n % 4}" for n, file in enumerate(files)]
    path = table(media, "\n".join(["clip_id,media,label,group", *lines]))
    assert prepare(path, "--out", tmp_path / "out", "--split", "0.5,0.25,0.25") == 0
    splits = {}
    for clip in rows(tmp_path / "out").values():
        splits.setdefault(clip.group, set()).add(clip.split)
    assert sorted(map(len, splits.values())) == [1, 1, 1, 1]
    assert {next(iter(of_group)) for of_group in splits.values()} == {"train", "val", "test"}


def test_classes_can_be_limited_to_the_most_frequent(media, tmp_path):
    text = "media,label\ndog/1.wav,a;b\ndog/2.wav,a;c\ncat/1.wav,c\ncat/2.mp4,d\n"
    assert prepare(table(media, text), "--out", tmp_path / "out", "--classes", 2) == 0
    labels = [clip.labels for clip in rows(tmp_path / "out").values()]
    assert labels == [("a",), ("a", "c"), ("c",)]
    assert (tmp_path / "out" / "labels" / "classes.csv").read_text() == "index,label,count\n0,a,2\n1,c,2\n"


def test_a_leak_between_splits_is_told(media, tmp_path, capsys):
    text = "media,label,split,group\ndog/1.wav,a,train,film\ndog/2.wav,a,test,film\n"
    assert prepare(table(media, text), "--out", tmp_path / "out") == 0
    assert "1 groups (films or recordings) are in more than one split" in capsys.readouterr().err


def test_a_prepared_data_set_can_be_prepared_again(media, tmp_path):
    assert prepare(media, "--out", tmp_path / "one") == 0
    assert prepare(tmp_path / "one", "--out", tmp_path / "two", "--reencode") == 0
    one, two = rows(tmp_path / "one"), rows(tmp_path / "two")
    assert {name: clip.labels for name, clip in one.items()} == {
        name: clip.labels for name, clip in two.items()
    }
    assert all((tmp_path / "two" / clip.media).is_file() for clip in two.values())


def test_dry_run_writes_nothing(media, tmp_path, capsys):
    assert prepare(media, "--out", tmp_path / "out", "--dry-run", "--json") == 0
    plan = json.loads(capsys.readouterr().out)["plan"]
    assert (plan["listed"], plan["found"], plan["absent"]) == (4, 4, 0)
    files = [path for path in media.rglob("*") if path.suffix in {".wav", ".mp4"}]
    assert plan["media_bytes"] == sum(path.stat().st_size for path in files)
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


def test_headers_alone_are_read_when_that_is_enough(media, tmp_path):
    write_sine(media / "dog" / "mute.wav", gain=0.0)
    assert prepare(media, "--out", tmp_path / "out", "--check", "headers") == 0
    assert problems(tmp_path / "out") == []
    assert rows(tmp_path / "out")["dog/1"].end == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "`none` does not exist"),
        (["empty"], "has no layout that avtool reads"),
        (["empty", "--layout", "folders"], "there are no media in `empty`"),
        (["media", "--layout", "esc50"], "holds no clip of ESC-50"),
        (["media", "--layout", "nope"], "nope"),
        (["media", "--media", "nowhere"], "there is no folder `nowhere`"),
        (["media", "--split", "0.5,0.6,0.1"], "must be three shares that sum to 1"),
        (
            ["one.csv", "--split", "0.8,0.1,0.1"],
            "1 groups (films or recordings) cannot be divided into 3 parts",
        ),
        (["media", "--layout", "csv"], "cannot read `media`: Is a directory"),
        (["twice.csv"], "2 clip ids stand for several clips, `a` for 2"),
        (["bad.csv"], "line 2: the clip ends at 1 s"),
        ([], "missing argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_leaves_nothing(media, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    line = "media/dog/1.wav,x\n"
    Path("twice.csv").write_text(f"id,media,label\na,{line}b,{line}a,{line}b,{line}")
    Path("one.csv").write_text(f"media,label\n{line}")
    Path("bad.csv").write_text("media,start,end\nmedia/dog/1.wav,2,1\n")
    before = sorted(tmp_path.iterdir())
    assert prepare(*arguments, "--out", "out") == 2
    errors = capsys.readouterr().err.splitlines()
    assert message in next(line for line in errors if line.startswith("error: "))
    assert sorted(tmp_path.iterdir()) == before


def test_a_data_set_is_not_written_into_its_own_source(media, capsys):
    assert prepare(media, "--out", media / "data") == 2
    assert "would be read with it" in capsys.readouterr().err


def test_another_source_is_refused_and_overwrite_replaces(media, tmp_path, capsys):
    out = tmp_path / "out"
    assert prepare(media, "--out", out) == 0
    assert prepare(media / "dog", "--layout", "folders", "--out", out) == 2
    assert "was made with other settings" in capsys.readouterr().err
    assert prepare(media / "dog", "--layout", "folders", "--out", out, "--overwrite") == 0
    assert set(rows(out)) == {"1", "2"}


def test_killed_in_the_middle_and_resumed_gives_the_same_manifest(tmp_path):
    media = tmp_path / "media"
    for n in range(4):
        write_grey_film(media / "x" / f"{n}.mp4", 4.0, size=(96, 128))
    command = [*AVTOOL, "prepare", str(media), "--reencode", "-q", "--no-progress", "--out"]
    assert subprocess.run([*command, str(tmp_path / "quiet")], check=False, timeout=120).returncode == 0
    killed = tmp_path / "killed"
    process = subprocess.Popen([*command, str(killed)])
    facts = partial_folder(killed) / "media.jsonl"
    until = time.monotonic() + 90
    while time.monotonic() < until and not (facts.is_file() and facts.stat().st_size):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not killed.exists()
    with facts.open("a") as stream:
        stream.write('{"media": "half a li')  # as a power cut may leave it
    assert subprocess.run([*command, str(killed)], check=False, timeout=120).returncode == 0
    one, two = ((tmp_path / name / "manifest.parquet").read_bytes() for name in ("quiet", "killed"))
    assert one == two


def test_stats_name_media_that_are_gone(media, tmp_path, capsys):
    assert prepare(media, "--out", tmp_path / "data") == 0
    (media / "dog" / "1.wav").unlink()
    assert run(["stats", str(tmp_path / "data"), "--no-fbank", "-q"]) == 0
    assert run(["stats", str(tmp_path / "data"), "-q"]) == 2
    assert "1 of 4 media" in capsys.readouterr().err


def test_stats_of_a_split(media, tmp_path, capsys):
    text = "media,label,split\ndog/1.wav,a,train\ndog/2.wav,a;b,train\ncat/1.wav,b,test\n"
    assert prepare(table(media, text), "--out", tmp_path / "data") == 0
    capsys.readouterr()
    out = tmp_path / "stats.json"
    assert run(["stats", str(tmp_path / "data"), "--out", str(out), "--json", "-q"]) == 0
    printed, written = json.loads(capsys.readouterr().out), json.loads(out.read_text())
    assert printed["fbank"] == written["fbank"]
    assert (written["split"], written["clips"]) == ("train", 2)
    assert written["labels"] == [{"label": "a", "clips": 2}, {"label": "b", "clips": 1}]
    assert written["fbank"]["frames"] == 2 * 48
    assert written["durations"] == [{"start": 0.5, "end": 0.5, "clips": 2}]
    assert run(["stats", str(tmp_path / "data"), "--out", str(out), "-q"]) == 2
    assert verify(tmp_path / "data") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split", "val"], "has no splits"),
        (["--folds", "1-2"], "has no folds"),
        (["--folds", "x"], "folds `x` are no numbers"),
        (["--set", "audio.low_frequency=9000"], "mel bands must rise"),
    ],
)
def test_stats_that_cannot_be_had(media, tmp_path, capsys, arguments, message):
    assert prepare(media, "--out", tmp_path / "data") == 0
    assert run(["stats", str(tmp_path / "data"), *arguments, "-q"]) == 2
    assert message in capsys.readouterr().err
