"""Cached gradients: small batches learn what one large batch learns from a contrast of all clips."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from avtool.models.load import load_model
from avtool.objectives.masked.mavil import MAViLStage1
from avtool.training.loop import fit
from tests.harness import run_two
from tests.unit.training.cached_processes import HEAVY, recipe, training
from tests.unit.training.synthetic_training import make_task
from tests.unit.training.synthetic_training import recipe as plain_recipe

torch.set_num_threads(1)


def gradient(run: Path, stage: int = 1) -> dict[str, Tensor]:
    """What the one step of a run has taken from the weights."""
    before = training(stage).model.state_dict()
    after = load_model(run).model.state_dict()
    return {name: before[name] - value for name, value in after.items()}


def scalars(run: Path) -> dict[str, float]:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return {name: value for name, value in json.loads(lines[0]).items() if name.startswith("loss")}


def largest_difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize("batch", [4, 8])
def test_gradients_and_losses_are_those_of_the_whole_batch(tmp_path: Path, stage: int, batch: int) -> None:
    fit(training(stage), recipe(16), tmp_path / "whole")
    fit(training(stage), recipe(batch, 16 // batch, cached=True), tmp_path / "cached")
    fit(training(stage), recipe(batch, 16 // batch), tmp_path / "apart")
    whole = gradient(tmp_path / "whole", stage)
    assert largest_difference(gradient(tmp_path / "cached", stage), whole) <= 1e-5
    assert largest_difference(gradient(tmp_path / "apart", stage), whole) > 1e-3
    assert scalars(tmp_path / "cached") == pytest.approx(scalars(tmp_path / "whole"), rel=1e-5)


def test_two_processes_of_two_batches_are_one_of_all(tmp_path: Path) -> None:
    run_two("tests.unit.training.cached_processes", tmp_path / "two")
    fit(training(), recipe(16), tmp_path / "whole")
    assert largest_difference(gradient(tmp_path / "two"), gradient(tmp_path / "whole")) <= 1e-5


class Remembering(MAViLStage1):
    """Keeps the features of both passes."""

    def __init__(self) -> None:
        super().__init__(HEAVY)
        self.first: list[Tensor] = []
        self.second: list[Tensor] = []

    def views(self, model, batch):
        found = super().views(model, batch)
        self.first.append(torch.cat(list(found.values())))
        return found

    def rest(self, model, batch):
        scalars, found = super().rest(model, batch)
        self.second.append(torch.cat(list(found.values())).detach())
        return scalars, found


def test_both_passes_drop_the_same_values(tmp_path: Path) -> None:
    task, objective = training(), Remembering()
    for name in ("audio", "video"):
        task.model.get_submodule(f"encoder.{name}.norm").register_forward_hook(
            lambda module, _, output: nn.functional.dropout(output, 0.5, module.training)
        )
    task = type(task)(task.model, objective, task.samples, task.collate, task.description)
    fit(task, recipe(8, 2, cached=True), tmp_path)
    assert len(objective.first) == len(objective.second) == 2
    assert all(torch.equal(*pair) for pair in zip(objective.first, objective.second, strict=True))
    assert any((value == 0).any() for value in objective.first)


def test_the_warning_of_few_negatives_is_gone_and_else_names_the_key(tmp_path: Path) -> None:
    told = {}
    for cached in (False, True):
        recorder = Recorder()
        fit(training(), recipe(8, 2, cached=cached), tmp_path / str(cached), recorder)
        told[cached] = [text for text in recorder.warnings if "adds no negatives" in text]
    assert "set loop.cached_gradients, raise" in told[False][0]
    assert not told[True]


def test_a_loss_without_contrast_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cached_gradients has no effect"):
        fit(make_task(), plain_recipe(loop={"cached_gradients": True}), tmp_path)
