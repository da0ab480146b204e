"""`avtool mine-subtitles` as a user runs it: results, resume, kill, bad input."""

import csv
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from avtool.cli.main import run
from avtool.core.artifact import read_artifact, verify
from avtool.synthetic.make_film import make_film
from tests.harness import AVTOOL

FAST = ["--sync", "none", "--no-progress", "-q"]


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    """Six short films with their captions."""
    folder = tmp_path_factory.mktemp("films")
    for seed in range(6):
        make_film(folder, seed=seed, minutes=0.5, name=f"film{seed}", video="none", style="netflix")
    return folder


def names(folder: Path) -> list[str]:
    return [str(folder / f"film{seed}.mkv") for seed in range(6)]


def manifest(out: Path) -> list[dict]:
    return parquet.read_table(out / "manifest.parquet").to_pylist()


def test_a_film_becomes_a_data_set(films, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(["mine-subtitles", names(films)[0], "--out", str(out), "--json", *FAST]) == 0
    result = json.loads(capsys.readouterr().out)
    rows = manifest(out)
    assert result["summary"]["events"] == len(rows) > 0
    assert read_artifact(out, "dataset").seed == 0
    assert verify(out) == []
    for row in rows:
        assert (out / row["media"]).is_file()
        assert row["group"] == "film0"
        assert 0 <= row["event_start"] < row["event_end"] <= 30
        assert row["end"] == pytest.approx(row["film_end"] - row["film_start"], abs=1e-3)
    page = (out / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert (
        page.count("<audio") == len({row["sounds"][0] for row in rows if row["sounds"]} | set())
        or "<audio" in page
    )


def test_the_same_command_keeps_what_is_done_and_a_changed_film_is_mined_again(films, tmp_path, capsys):
    folder, out = tmp_path / "films", tmp_path / "out"
    folder.mkdir()
    for seed in range(2):
        for suffix in ("mkv", "srt"):
            (folder / f"film{seed}.{suffix}").write_bytes((films / f"film{seed}.{suffix}").read_bytes())
    command = ["mine-subtitles", *names(folder)[:2], "--out", str(out), "--json", *FAST]

    def statuses() -> list[str]:
        assert run(command) == 0
        return [film["status"] for film in json.loads(capsys.readouterr().out)["films"]]

    assert statuses() == ["mined", "mined"]
    before = (out / "manifest.parquet").read_bytes()
    assert statuses() == ["kept", "kept"]
    assert (out / "manifest.parquet").read_bytes() == before
    (folder / "film1.srt").write_bytes((films / "film2.srt").read_bytes())
    assert statuses() == ["kept", "mined"]


def test_times_that_cannot_be_checked_are_no_success_unless_they_are_taken_as_they_are(
    films, tmp_path, capsys
):
    command = ["mine-subtitles", names(films)[0], "--out", str(tmp_path / "out"), "--vad", "webrtc"]
    assert run([*command, "--no-progress"]) == 1
    assert "1 of 1 films keep caption times that could not be checked" in capsys.readouterr().err
    assert manifest(tmp_path / "out")
    assert run([*command, "--sync", "none", "--overwrite", "--no-progress", "-q"]) == 0


def test_a_shorter_list_of_films_drops_none_in_silence(films, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(["mine-subtitles", *names(films)[:3], "--out", str(out), *FAST]) == 0
    before = (out / "manifest.parquet").read_bytes()
    assert run(["mine-subtitles", names(films)[1], "--out", str(out), *FAST]) == 2
    assert "holds 2 films that are not given (`film0`, `film2`)" in capsys.readouterr().err
    assert (out / "manifest.parquet").read_bytes() == before
    assert not verify(out)
    assert run(["mine-subtitles", *names(films)[:4], "--out", str(out), *FAST]) == 0
    assert run(["mine-subtitles", names(films)[1], "--out", str(out), "--overwrite", *FAST]) == 0
    assert {row["group"] for row in manifest(out)} == {"film1"}


def test_killed_in_the_middle_and_resumed_gives_the_same_manifest(films, tmp_path):
    quiet, killed = tmp_path / "quiet", tmp_path / "killed"
    for out in (quiet, killed):
        command = [
            *AVTOOL,
            "mine-subtitles",
            *names(films),
            "--jobs",
            "2",
            "--resume",
            "--out",
            str(out),
            *FAST,
        ]
        if out == killed:
            process = subprocess.Popen(command, start_new_session=True)
            wait_for(lambda: any((tmp_path / "killed.partial" / "clips").glob("film*")))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert not killed.exists()
        assert subprocess.run(command, check=False, timeout=120).returncode == 0
    assert (killed / "manifest.parquet").read_bytes() == (quiet / "manifest.parquet").read_bytes()
    assert (killed / "events.csv").read_bytes() == (quiet / "events.csv").read_bytes()
    assert not (tmp_path / "killed.partial").exists()


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_a_resumable_state(films, tmp_path, sign, code):
    out = tmp_path / "out"
    command = [*AVTOOL, "mine-subtitles", *names(films), "--out", str(out), *FAST]
    for _ in range(5):  # a signal may come when the last film is done
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            wait_for(lambda: out.exists() or any((tmp_path / "out.partial" / "clips").glob("film*")))
            process.send_signal(sign)
            ended = process.wait(timeout=60)
            assert "Traceback" not in process.stderr.read()
        if ended:
            break
        shutil.rmtree(out)
    assert ended == code
    assert not out.exists()
    assert any((tmp_path / "out.partial" / "clips").glob("film*/film.json"))


def wait_for(condition) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("nothing happened in 30 s")


def test_one_bad_film_does_not_stop_the_batch(films, tmp_path, capsys):
    bad = tmp_path / "bad.mkv"
    bad.write_bytes(b"not a film")
    (tmp_path / "bad.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\n[door slams]\n")
    out = tmp_path / "out"
    assert run(["mine-subtitles", str(bad), names(films)[0], "--out", str(out), *FAST]) == 1
    assert "bad failed: `" in capsys.readouterr().err
    with (out / "films.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["film_id"], row["status"]) for row in rows] == [("film0", "mined"), ("bad", "failed")]
    assert (
        run(["mine-subtitles", str(bad), names(films)[0], "--out", str(tmp_path / "x"), "--fail-fast", *FAST])
        == 2
    )
    assert not (tmp_path / "x").exists()


def test_a_table_of_films_with_paths_beside_it(films, tmp_path):
    table = films / "films.csv"
    table.write_text("film,captions\nfilm0.mkv,film0.srt\nfilm1.mkv,\n")
    assert run(["mine-subtitles", str(table), "--out", str(tmp_path / "out"), *FAST]) == 0
    assert {row["group"] for row in manifest(tmp_path / "out")} == {"film0", "film1"}


def test_other_settings_are_refused_and_overwrite_replaces(films, tmp_path, capsys):
    out = tmp_path / "out"
    base = ["mine-subtitles", names(films)[0], "--out", str(out), *FAST]
    assert run([*base, "--format", "flac"]) == 0
    assert run([*base, "--format", "wav"]) == 2
    assert "was made with other settings" in capsys.readouterr().err
    assert run([*base, "--format", "none", "--overwrite"]) == 0
    assert {Path(row["media"]).suffix for row in manifest(out)} == {".mkv"}


def test_dry_run_writes_nothing(films, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(["mine-subtitles", *names(films)[:2], "--out", str(out), "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)["plan"]
    assert [row["tags"] > 0 for row in plan] == [True, True]
    assert list(tmp_path.iterdir()) == []


def test_collars_clips_and_kept_sound(films, tmp_path):
    out = tmp_path / "out"
    base = ["mine-subtitles", names(films)[0], "--out", str(out), "--keep-audio", *FAST]
    assert run([*base, "--collar", "0.5", "--max-clip", "3"]) == 0
    first = manifest(out)
    assert all(row["end"] <= 3.001 for row in first)
    assert run([*base, "--collar", "0", "--overwrite"]) == 0
    for row in manifest(out):
        assert row["end"] == pytest.approx(row["event_end"] - row["event_start"], abs=1e-3)


CAPTION = "1\n00:00:01,000 --> 00:00:02,000\n{}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.mkv"], "`none.mkv` does not exist"),
        (["film.mkv"], "no captions: none beside it, no stream in it"),
        (["film.mkv", "--captions", "plain.srt"], "no sound cues in plain.srt (0 of 1 cues"),
        (["film.mkv", "--captions", "garbage.srt"], "garbage.srt"),
        (["film.mkv", "--captions", "gone.srt"], "no caption file `gone.srt`"),
        (["film.mkv", "--captions", "stream:9"], "9"),
        (["film.mkv", "film.mkv", "--captions", "plain.srt"], "is one file, but 2 films are given"),
        (["table.csv"], "`table.csv` has no column `film`"),
        (["film.mkv", "--captions", "good.srt", "--audio-stream", "7"], "no audio stream #7"),
        (["film.mkv", "--captions", "good.srt", "--collar", "-1"], "collar"),
        (["film.mkv", "--captions", "good.srt", "--split", "0.5,0.5"], "split"),
        (
            ["film.mkv", "--captions", "good.srt", "--split", "0.8,0.1,0.1"],
            "1 film cannot be split into 3 parts",
        ),
        (["film.mkv", "--captions", "late.srt", "--vad", "webrtc"], "captions do not match this film"),
        (["film.mkv", "--captions", "good.srt", "--lexicon", "none.toml"], "none.toml"),
        (["film.mkv", "--captions", "good.srt", "--taxonomy", "none.csv"], "none.csv"),
        ([], "no films given"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_leaves_nothing(films, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("film.mkv").write_bytes((films / "film0.mkv").read_bytes())
    Path("plain.srt").write_text(CAPTION.format("Hello there."))
    Path("good.srt").write_text(CAPTION.format("[door slams]"))
    lines = (f"{i}\n03:{i % 60:02d}:00,000 --> 03:{i % 60:02d}:02,000\nHello.\n" for i in range(1, 59))
    Path("late.srt").write_text(CAPTION.format("[door slams]") + "\n" + "\n".join(lines))
    Path("garbage.srt").write_bytes(bytes(range(256)) * 8)
    Path("table.csv").write_text("movie\nfilm.mkv\n")
    before = sorted(tmp_path.iterdir())
    assert run(["mine-subtitles", *arguments, "--out", "out", "--no-progress"]) == 2
    error = capsys.readouterr().err.splitlines()
    assert message in next(line for line in error if line.startswith("error: "))
    assert not any("Traceback" in line for line in error)
    assert sorted(tmp_path.iterdir()) == before


def test_an_unwritable_place_is_a_clean_error(films, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(["mine-subtitles", names(films)[0], "--out", str(tmp_path / "file" / "out"), *FAST]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_a_full_disk_ends_the_batch_with_one_line(films, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    assert run(["mine-subtitles", *names(films)[:2], "--out", str(tmp_path / "out"), *FAST]) == 2
    assert "GB are free" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
