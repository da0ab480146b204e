"""Every registered task through the same tests, and a task of another package through the command line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from avtool.cli.command import SCHEMAS
from avtool.core.artifact import read_artifact, verify
from avtool.core.recipe import flag_of, iter_keys
from avtool.tasks import TASKS
from avtool.training.recipe import TrainRecipe
from avtool.training.task import Task

TASK_NAMES = TASKS.names()
MODULE = Path(__file__).parent / "foreign" / "characters.py"
QUICK = ["--set", "loop.workers=0", "--set", "loop.log_every=1", "--batch-size", "4", "--device", "cpu"]


@pytest.mark.parametrize("name", TASK_NAMES)
def test_a_task_is_a_subcommand_with_its_recipe(name: str) -> None:
    task = TASKS.find(name)
    assert issubclass(task, Task)
    assert task.name == name
    assert task.summary.endswith(".")
    assert issubclass(task.recipe_type, TrainRecipe)
    assert SCHEMAS.find(task.subcommand()) is task.recipe_type


@pytest.mark.parametrize("name", TASK_NAMES)
def test_a_recipe_is_written_and_read_again(name: str) -> None:
    recipe_type = TASKS.find(name).recipe_type
    recipe = recipe_type()
    assert recipe_type.model_validate(recipe.model_dump(mode="json")) == recipe
    assert all(field.description for _, field in iter_keys(recipe_type))


@pytest.mark.parametrize("name", TASK_NAMES)
def test_a_task_states_what_it_learns_from(name: str) -> None:
    task = TASKS.find(name)
    of_clips = task.verb in {"pretrain", "finetune"} or name == "clip"
    assert not of_clips or task.learned_from is not Task.learned_from  # or its models have no record


@pytest.mark.parametrize("name", TASK_NAMES)
def test_flags_are_few(name: str) -> None:
    flags = {flag_of(field) for _, field in iter_keys(TASKS.find(name).recipe_type)} - {""}
    assert len(flags) <= 18


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed package that adds a model and a task by entry points."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(MODULE, folder)
    info = folder / "characters-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: characters\nVersion: 1.0\n")
    points = "[avtool.tasks]\ncharacters = characters\n\n[avtool.models]\ncharacters = characters\n"
    (info / "entry_points.txt").write_text(points)
    (folder / "corpus.txt").write_text("the cat sat on the mat. " * 20)
    return folder


def avtool(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command line of an installation with the foreign package."""
    path = os.pathsep.join([str(folder), *sys.path])
    command = [sys.executable, "-m", "avtool", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_foreign_task_has_help_and_a_plan(foreign: Path) -> None:
    assert "Predict the next byte of a text." in avtool(foreign, "train", "--help").stdout
    assert "--length" in avtool(foreign, "train", "characters", "--help").stdout
    done = avtool(foreign, "train", "characters", "corpus.txt", *QUICK, "--dry-run", "--json")
    plan = json.loads(done.stdout)["plan"]
    assert (plan["model"], plan["bytes"], plan["steps"]) == ("characters_tiny", 480, 150)


def test_a_foreign_task_trains_resumes_and_reports(foreign: Path) -> None:
    command = ["train", "characters", "corpus.txt", *QUICK, "--max-steps", 6, "--length", 12]
    first = avtool(foreign, *command)
    assert first.returncode == 0, first.stderr
    run = foreign / first.stdout.strip().splitlines()[-1]
    assert run.parent.name == "runs"
    assert verify(run) == []
    assert read_artifact(run).inputs[0].kind == "text"
    assert "Curves" in (run / "report.html").read_text()
    assert "is finished already" in avtool(foreign, *command).stderr
    other = avtool(foreign, *command, "--precision", "bf16")
    assert other.stdout != first.stdout  # another identity is another run
