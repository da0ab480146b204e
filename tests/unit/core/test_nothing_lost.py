"""One writer a folder; and nothing that is not an artifact's own is ever removed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from avtool.core import artifact_folder
from avtool.core.artifact import Artifact, read_artifact, verify
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file
from avtool.core.writers import release_all
from tests.harness import REPOSITORY

HOLD = """
import sys, time
from pathlib import Path
from avtool.core.artifact_folder import open_partial
open_partial(Path(sys.argv[1]), {"a": 1}, kind="dataset")
print("held", flush=True)
time.sleep(600)
"""


def make(
    out: Path, text: str = "old", kind: str = "dataset", settings: dict | None = None, **options
) -> None:
    partial = open_partial(out, settings or {"a": 1}, kind=kind, **options)
    (partial / "clips").mkdir(exist_ok=True)
    (partial / "data.csv").write_text(text)
    (partial / "clips" / f"{text}.wav").write_text(text)
    publish(out, Artifact(kind, "x", {}), unhashed=["clips"])


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def hold(out: Path) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_second_writer_is_refused_and_the_end_of_the_first_lets_it_in(
    tmp_path: Path, overwrite: bool
) -> None:
    out = tmp_path / "out"
    with hold(out) as first:
        (tmp_path / "out.partial" / "half").write_text("x")
        with pytest.raises(BadInputError, match="another process is writing"):
            open_partial(out, {"a": 1}, kind="dataset", overwrite=overwrite)
        assert (tmp_path / "out.partial" / "half").exists()
        first.kill()
    assert (open_partial(out, {"a": 1}, kind="dataset") / "half").exists()


def test_files_of_others_survive_every_redo(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out)
    for name in ("notes.txt", "clips/mine.wav", "deep/er/x.md", "clips/new.wav"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
    (out / "link").symlink_to(tmp_path)
    make(out, "new")
    kept = {"notes.txt", "clips/mine.wav", "deep/er/x.md", "clips/new.wav.old"}
    assert kept | {"clips/new.wav", "data.csv"} <= names(out)
    assert "clips/old.wav" not in names(out)
    assert all((out / name).read_text() == "mine" for name in kept)
    assert (out / "link").is_symlink()
    make(out, "third", settings={"a": 2}, overwrite=True)
    assert kept <= names(out)
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    assert verify(out) == []


@pytest.mark.parametrize("content", [{}, {"editor.fontSize": 12}, {"command": "x"}])
@pytest.mark.parametrize("name", ["out", "out.partial"])
def test_a_folder_with_settings_is_not_ours_for_that(tmp_path: Path, name: str, content: dict) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "settings.json").write_text(json.dumps(content))
    (tmp_path / name / "thesis.tex").write_text("x")
    for overwrite in (False, True):
        with pytest.raises(BadInputError, match=r"not an avtool artifact|not ours"):
            open_partial(tmp_path / "out", content, kind="dataset", overwrite=overwrite)
    assert (tmp_path / name / "thesis.tex").exists()


def test_another_kind_is_never_replaced(tmp_path: Path) -> None:
    make(tmp_path / "out", kind="run")
    with pytest.raises(BadInputError, match="is a run artifact, and no predictions"):
        open_partial(tmp_path / "out", {}, kind="predictions", overwrite=True)
    (open_partial(tmp_path / "half", {}, kind="run") / "checkpoints").mkdir()
    release_all()
    with pytest.raises(BadInputError, match="is an unfinished run"):
        open_partial(tmp_path / "half", {}, kind="predictions", overwrite=True)
    assert (tmp_path / "half.partial" / "checkpoints").exists()


def test_inputs_are_never_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out)
    (out / "films.csv").write_text("mine")
    (tmp_path / "link").symlink_to(out)
    for path in (out, tmp_path / "link", out / "data.csv", out / "clips", out / "clips" / "old.wav"):
        with pytest.raises(BadInputError, match="is an input"):
            open_partial(out, {"a": 1}, kind="dataset", overwrite=True, inputs=[path])
    make(out, "new", inputs=[out / "films.csv", tmp_path / "none"])
    assert (out / "films.csv").read_text() == "mine"


def test_a_redo_that_fails_keeps_the_old_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out)
    partial = open_partial(out, {"a": 2}, kind="dataset", overwrite=True)
    (partial / "half").write_text("x")
    discard_partial(partial)
    assert (out / "data.csv").read_text() == "old"
    assert verify(out) == []


@pytest.mark.parametrize("step", ["swap_folders", "retire", "release_folder"])
def test_a_process_killed_while_it_publishes_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    out = tmp_path / "out"
    make(out)
    (out / "notes.txt").write_text("mine")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        partial = open_partial(out, {"a": 1}, kind="dataset")
        (partial / "data.csv").write_text("new")
        patch.setattr(artifact_folder, step, killed)
        with pytest.raises(KeyboardInterrupt):
            publish(out, Artifact("dataset", "x", {}), unhashed=["clips"])
    release_all()
    assert (out / "data.csv").read_text() == ("old" if step == "swap_folders" else "new")
    make(out, "third")
    assert {"notes.txt", "data.csv"} <= names(out)
    assert (out / "notes.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_a_process_killed_between_two_renames_loses_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out)
    partial = open_partial(out, {"a": 1}, kind="dataset")
    (partial / "half").write_text("x")
    release_all()
    out.rename(tmp_path / ".out.old")  # where the system cannot exchange two names
    assert (open_partial(out, {"a": 1}, kind="dataset") / "half").exists()
    assert (out / "data.csv").read_text() == "old"
    release_all()
    shutil.copytree(out, tmp_path / ".out.old")
    (tmp_path / ".out.old" / "notes.txt").write_text("mine")
    open_partial(out, {"a": 1}, kind="dataset")
    assert (out / "notes.txt").read_text() == "mine"
    assert not (tmp_path / ".out.old").exists()


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "out"
    link.symlink_to(tmp_path / "disk" / "real")
    for text in ("one", "two"):
        make(link, text)
        assert link.is_symlink()
        assert (tmp_path / "disk" / "real" / "data.csv").read_text() == text
    assert {path.name for path in (tmp_path / "disk").iterdir()} == {"real"}
    (tmp_path / "table.csv").symlink_to(tmp_path / "disk" / "t.csv")
    with atomic_file(tmp_path / "table.csv") as partial:
        partial.write_text("x")
    assert (tmp_path / "table.csv").is_symlink()
    assert (tmp_path / "disk" / "t.csv").read_text() == "x"


@pytest.mark.parametrize("out", [".", "..", "./", "x/..", "/", "here"])
def test_the_current_folder_is_no_artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str) -> None:
    (tmp_path / "here" / "x").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    given = tmp_path / "here" if out == "here" else Path(out)
    with pytest.raises(BadInputError, match="is the current folder, or above it"):
        open_partial(given, {}, kind="dataset")


def test_a_folder_is_read_while_it_is_made_again(tmp_path: Path) -> None:
    make(tmp_path / "out")
    open_partial(tmp_path / "out", {"a": 1}, kind="dataset")
    assert read_artifact(tmp_path / "out", "dataset").kind == "dataset"
    assert any((tmp_path / "out.partial").iterdir())
