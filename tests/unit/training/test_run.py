"""The identity of a run: what names it, and what does not."""

from pathlib import Path
from typing import Any

import pytest

from avtool.core.recipe import load
from avtool.core.reporter import Silent
from avtool.data.manifest import Clip, read_manifest, write_manifest
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.tasks.classification.task import ClassificationTask
from avtool.training.run import default_out, run_settings


def task(folder: Path, labels: str = "xy", **flags: Any) -> ClassificationTask:
    """A training of two clips."""
    clips = [Clip(str(n), f"{n}.wav", 0.0, 1.0, labels=(label,)) for n, label in enumerate(labels)]
    write_manifest(folder, clips)
    recipe = load(FinetuneRecipe, flags=flags, environment={})
    manifest = read_manifest(folder / "manifest.parquet")
    return ClassificationTask.of_clips(manifest, ("x", "y"), recipe, Silent())


@pytest.mark.parametrize(
    "flags",
    [
        {"runtime.device": "cuda:1"},
        {"runtime.threads": 3},
        {"loop.workers": 0},
        {"loop.checkpoint_every": "3 steps"},
        {"loop.keep": 1},
    ],
    ids=lambda flags: next(iter(flags)),
)
def test_neither_the_machine_nor_checkpoints_name_a_run(tmp_path: Path, flags: dict[str, Any]) -> None:
    assert run_settings(task(tmp_path, **flags)) == run_settings(task(tmp_path))


@pytest.mark.parametrize(
    "flags",
    [{"runtime.precision": "bf16"}, {"optimizer.lr": 0.01}, {"seed": 1}, {"loop.batch_size": 8}],
    ids=lambda flags: next(iter(flags)),
)
def test_a_changed_setting_is_another_run(tmp_path: Path, flags: dict[str, Any]) -> None:
    changed, same = task(tmp_path, **flags), task(tmp_path)
    assert default_out(changed) != default_out(same) == default_out(task(tmp_path))


def test_inputs_count_by_their_content(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.pt").write_bytes(b"weights")
    (tmp_path / "c.pt").write_bytes(b"others")
    one, same, other = (
        default_out(task(tmp_path, **{"model.init": tmp_path / f"{name}.pt"})) for name in "abc"
    )
    assert one == same != other
    assert default_out(task(tmp_path, labels="xx")) != default_out(task(tmp_path))


def test_a_caller_names_the_folder(tmp_path: Path) -> None:
    out = default_out(task(tmp_path), tmp_path / "runs", "esc10 fold 1")
    assert out.parent == tmp_path / "runs"
    assert out.name.startswith("esc10-fold-1-")
