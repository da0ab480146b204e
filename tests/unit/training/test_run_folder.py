"""Runs on disk: named by their settings, resumed, finished, and not mixed up."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avtool.core.artifact import Input, read_artifact, verify
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.recipe import identity, load
from avtool.models.load import load_model
from avtool.training.loop import fit
from avtool.training.recipe import TrainRecipe
from avtool.training.resolved_toml import toml_text
from avtool.training.run import folder_name
from avtool.training.run_folder import RunFolder, open_run, publish_run
from tests.unit.training.synthetic_training import make_task, recipe

torch.set_num_threads(1)
SHORT: dict[str, Any] = {"loop": {"max_steps": 2, "workers": 0}}


def open_(out: Path, **tables: Any) -> RunFolder:
    resolved = recipe(**{**SHORT, **tables})
    return open_run(out, resolved, identity(resolved), command="avtool finetune x")


def finish(out: Path) -> Any:
    run = open_(out)
    outcome = fit(make_task(), recipe(**SHORT), run.folder)
    inputs = [Input("data", "dataset", "0" * 64)]
    return publish_run(run, outcome, recipe(**SHORT), command="avtool finetune x", inputs=inputs)


def test_equal_settings_have_equal_names_wherever_they_run() -> None:
    name = folder_name("finetune/esc50 cnn.toml", identity(recipe()))
    assert name.startswith("finetune-esc50-cnn.toml-")
    moved = recipe(runtime={"device": "auto", "threads": 3}, loop={"workers": 2})
    assert folder_name("finetune/esc50 cnn.toml", identity(moved)) == name
    assert folder_name("finetune/esc50 cnn.toml", identity(recipe(optimizer={"lr": 0.1}))) != name


def test_a_finished_run_is_an_artifact_with_a_model(tmp_path: Path) -> None:
    outcome = finish(tmp_path / "run")
    run = tmp_path / "run"
    assert outcome.model == run / "model"
    artifact = read_artifact(run, "run")
    assert (artifact.seed, artifact.command) == (recipe(**SHORT).seed, "avtool finetune x")
    assert verify(run) == []
    assert {path.name for path in run.iterdir()} == {
        "artifact.json",
        "settings.json",
        "contents.json",
        "recipe.toml",
        "command.txt",
        "env.json",
        "metrics.jsonl",
        "outcome.json",
        "plan.json",
        "checkpoints",
        "last",
        "best",
        "model",
    }
    assert "torch" in json.loads((run / "env.json").read_text())["versions"]
    assert type(load_model(run).model).__name__ == "CNN"


def test_the_same_command_finds_the_finished_run(tmp_path: Path) -> None:
    outcome = finish(tmp_path / "run")
    again = open_(tmp_path / "run", runtime={"threads": 2})
    assert again.done
    assert again.outcome() == outcome
    (tmp_path / "run" / "outcome.json").write_text('{"stepz": 1}')
    with pytest.raises(CorruptArtifactError, match="no outcome of a run"):
        again.outcome()


def test_an_interrupted_run_is_opened_again(tmp_path: Path) -> None:
    first = open_(tmp_path / "run")
    (first.folder / "last").write_text("step-000001\n")
    second = open_(tmp_path / "run")
    assert not second.done
    assert (second.folder / "last").exists()


def test_other_settings_do_not_go_on_with_a_run(tmp_path: Path) -> None:
    open_(tmp_path / "run")
    with pytest.raises(BadInputError, match="made with other settings"):
        open_(tmp_path / "run", optimizer={"lr": 0.5})


def test_the_resolved_recipe_gives_the_same_recipe_again(tmp_path: Path) -> None:
    run = open_(tmp_path / "run")
    assert load(TrainRecipe, recipe=run.folder / "recipe.toml", environment={}) == recipe(**SHORT)


def test_a_finished_run_can_be_found_from_its_checkpoints_too(tmp_path: Path) -> None:
    finish(tmp_path / "run")
    load_model(tmp_path / "run" / "checkpoints" / "step-000002")


PLAIN = st.one_of(st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text())
VALUES = st.one_of(PLAIN, st.lists(PLAIN, max_size=4))
TABLES = st.recursive(
    st.dictionaries(st.text(min_size=1), VALUES, max_size=4),
    lambda inner: st.dictionaries(st.text(min_size=1), st.one_of(VALUES, inner), max_size=4),
    max_leaves=12,
)


@given(TABLES)
def test_any_settings_survive_as_toml(values: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(values)) == values
