"""The line of an epoch, and how far a run is, while it trains and after."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import SomeFailedError
from avtool.core.reporter import Recorder
from avtool.jobs.show import show
from avtool.training.loop import fit
from avtool.training.plan import Plan
from avtool.training.progress import read_progress
from avtool.training.task import Training
from tests.unit.training.synthetic_training import make_task, recipe


def epochs_of(recorder: Recorder) -> list[str]:
    return [line for line in recorder.infos if line.startswith("epoch ")]


@pytest.mark.parametrize("log_every", [1, 3, 5, 100])
def test_each_epoch_has_a_line_with_the_mean_loss_of_its_steps(tmp_path: Path, log_every: int) -> None:
    recorder = Recorder()
    fit(make_task(), recipe(loop={"log_every": log_every}), tmp_path / "run", recorder)
    lines = epochs_of(recorder)
    assert [line.split(";")[0] for line in lines] == [
        "epoch 1 of 3: step 4",
        "epoch 2 of 3: step 8",
        "epoch 3 of 3: step 12",
    ]
    fit(make_task(), recipe(loop={"log_every": 1}), tmp_path / "each", Recorder())
    log = [json.loads(line) for line in (tmp_path / "each" / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in log if line["split"] == "train"]
    for line, of_epoch in zip(lines, np.reshape(losses, (3, 4)).mean(axis=1), strict=True):
        assert float(line.split("; loss ")[1].split(";")[0].split(",")[0]) == pytest.approx(
            of_epoch, rel=1e-3
        )
    assert "validation loss" in lines[-1]
    assert "accuracy" in lines[-1]


def test_a_run_of_very_many_epochs_prints_a_thousand_lines() -> None:
    plan = Plan(1, 1, 1, steps_per_epoch=2, total=20_000, validate_every=0, checkpoint_every=0, log_every=10)
    assert sum(plan.ends_epoch(step) for step in range(1, 20_001)) == 1000


def scored_by_accuracy() -> Training:
    return replace(make_task(), metric="accuracy", maximise=True)


class Interrupted(Recorder):
    """Stops a run after its second epoch, as a lost machine does."""

    def info(self, text: str) -> None:
        super().info(text)
        if text.startswith("epoch 2"):
            raise SomeFailedError("the machine is gone")


def test_how_far_a_run_is_and_its_metric_are_shown(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(SomeFailedError):
        fit(scored_by_accuracy(), recipe(), tmp_path / "run.partial", Interrupted())
    (tmp_path / "run.partial" / "recipe.toml").write_text("seed = 3\n")
    (tmp_path / "run.partial" / "command.txt").write_text("avtool finetune clips --out run\n")
    for path in (run, tmp_path / "run.partial"):
        shown = show(path)
        assert shown.facts["kind"] == "unfinished run"
        assert shown.facts["resumed by"] == "avtool finetune clips --out run"
        assert shown.facts["steps"].endswith("of 12 (67 %)")
        assert shown.facts["epochs"] == "2 of 3"
        assert shown.facts["best"].startswith("accuracy ")
        assert shown.rows
        assert shown.columns[0] == "step"


def test_the_best_validation_is_that_of_the_metric(tmp_path: Path) -> None:
    fit(scored_by_accuracy(), recipe(), tmp_path, Recorder())
    progress = read_progress(tmp_path)
    step, values = progress.validations[progress.best]
    assert values["accuracy"] == max(metrics["accuracy"] for _, metrics in progress.validations)
    assert (tmp_path / "best").read_text().strip().endswith(f"{step:06d}")


def test_a_run_of_an_older_avtool_is_shown_without_its_length(tmp_path: Path) -> None:
    fit(make_task(), recipe(), tmp_path, Recorder())
    (tmp_path / "plan.json").unlink()
    assert read_progress(tmp_path).facts()["steps"] == "12"
    shutil.rmtree(tmp_path / "checkpoints")
    (tmp_path / "metrics.jsonl").write_text("")
    assert read_progress(tmp_path).facts() == {"steps": "0"}
