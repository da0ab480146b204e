"""A small trained part on a large frozen host: what is stored, what is named, and how it is found again."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from avtool.core.errors import CorruptArtifactError
from avtool.core.reporter import Silent
from avtool.models.frozen import FrozenWeights, content_hash
from avtool.models.load import load_frozen, load_model
from avtool.models.model_folder import load_tensors
from avtool.models.registry import create
from avtool.models.start import load_start
from avtool.training.loop import fit
from tests.unit.training.synthetic_training import frozen_task, recipe, save_host

torch.set_num_threads(1)
SHORT = partial(recipe, loop={"max_steps": 4, "checkpoint_every": "2 steps"})


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_host(tmp_path_factory.mktemp("host") / "host")


@pytest.fixture(scope="module")
def run(host: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    fit(frozen_task(host), SHORT(), folder)
    return folder


def model_hash(path: Path) -> str:
    return content_hash(load_model(path).model.state_dict())


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_checkpoint_holds_what_is_trained(host: Path, run: Path) -> None:
    assert size(host) > 20e6
    assert size(run / "checkpoints" / "step-000004") < 1e6
    assert size(run / "model") < 0.2e6
    state = load_tensors(run / "checkpoints" / "step-000004" / "state" / "weights.safetensors")
    assert {name.split(".")[1] for name in state} == {"head"}


def test_the_model_is_put_together_again(host: Path, run: Path) -> None:
    task = frozen_task(host)
    fit(task, SHORT(ema={"decay": 0}), run.parent / "again")
    ours, theirs = load_model(run.parent / "again").model.state_dict(), task.model.state_dict()
    assert content_hash(ours) == content_hash(theirs)
    assert not torch.equal(ours["head.1.weight"], load_model(host).model.state_dict()["head.1.weight"])


def test_a_model_can_start_from_one_with_frozen_weights(run: Path) -> None:
    description = load_model(run).description
    model = create(description.builder, **description.arguments)
    load_start(model, description.builder, run / "model", Silent())
    assert content_hash(model.state_dict()) == model_hash(run)


def test_a_task_may_want_a_model_that_stands_alone(host: Path, run: Path, tmp_path: Path) -> None:
    own = shutil.copytree(host, tmp_path / "host")
    fit(replace(frozen_task(own), self_contained=True), SHORT(), tmp_path / "run")
    shutil.rmtree(own)
    assert size(tmp_path / "run" / "checkpoints" / "step-000004") < 1e6
    alone = load_model(tmp_path / "run" / "model")
    assert alone.description.frozen == ()
    assert content_hash(alone.model.state_dict()) == model_hash(run)


def test_frozen_weights_of_no_known_origin_stay_in_the_model(host: Path, run: Path, tmp_path: Path) -> None:
    task = frozen_task(host)
    fit(replace(task, description=replace(task.description, frozen=())), SHORT(), tmp_path)
    assert size(tmp_path / "model") > 20e6
    assert size(tmp_path / "checkpoints" / "step-000004" / "state") < 1e6
    assert content_hash(load_model(tmp_path).model.state_dict()) == content_hash(
        load_model(run).model.state_dict()
    )


def test_a_copy_beside_the_trained_weights_will_do(host: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(host, tmp_path / "host")
    fit(frozen_task(moved), SHORT(), tmp_path / "run")
    whole = model_hash(tmp_path / "run")
    moved.replace(tmp_path / "run" / "model" / "host")
    assert model_hash(tmp_path / "run") == whole


def remove(host: Path) -> None:
    shutil.rmtree(host)


def change(host: Path) -> None:
    save_host(host, seed=1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [(remove, r"are neither `.*host` nor `.*host`$"), (change, r"and `.*host` has SHA-256 [0-9a-f]{12}…$")],
)
def test_missing_or_changed_frozen_weights_are_one_line(
    host: Path, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    own = shutil.copytree(host, tmp_path / "host")
    fit(frozen_task(own), SHORT(), tmp_path / "run")
    damage(own)
    with pytest.raises(CorruptArtifactError, match=r"(?m)frozen weights of SHA-256 .*" + words) as caught:
        load_model(tmp_path / "run")
    assert caught.value.hint == "copy that model or file to one of these places"


def test_frozen_weights_that_are_read_otherwise_are_refused(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run / "model", tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["frozen"][0]["content"] = "0" * 64
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CorruptArtifactError, match="are read otherwise"):
        load_model(folder)


def test_a_run_is_not_resumed_on_other_frozen_weights(host: Path, run: Path, tmp_path: Path) -> None:
    begun = shutil.copytree(run, tmp_path / "run")
    other: Any = save_host(tmp_path / "other", seed=1)
    with pytest.raises(CorruptArtifactError, match="the frozen weights are not those"):
        fit(frozen_task(other), SHORT(), begun)


def test_one_part_of_a_model_may_be_frozen(tmp_path: Path) -> None:
    """The origin of a submodule: an encoder inside a larger model."""
    encoder = create("cnn_tiny")
    host = save_host(tmp_path / "host", "cnn_tiny", {})
    load_start(encoder, "cnn_tiny", host, Silent())
    model = torch.nn.ModuleDict({"encoder": encoder.requires_grad_(False), "prompt": torch.nn.Linear(2, 2)})
    named = FrozenWeights.of(model, "cnn_tiny", host, module="encoder")
    fresh = torch.nn.ModuleDict({"encoder": create("cnn_tiny"), "prompt": torch.nn.Linear(2, 2)})
    buffers = {
        name: value
        for name, value in model.state_dict().items()
        if "running" in name or "num_batches" in name
    }
    load_frozen(named, fresh, tmp_path, buffers | {"prompt.weight": torch.zeros(2, 2)})
    assert torch.equal(fresh["encoder"].head[1].weight, encoder.head[1].weight)
    assert named.covers("encoder.stem.0.weight")
    assert not named.covers("encoder_2.weight")
