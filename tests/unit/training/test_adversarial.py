"""Two optimizers that take turns: what moves, what is logged, and that the game is learned."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from avtool.core.errors import SomeFailedError
from avtool.training.loop import fit
from avtool.training.metrics_log import read_metrics
from avtool.training.optimizers import NamedOptimizer
from avtool.training.recipe import OptimizationRecipe, OptimizerRecipe
from avtool.training.step_rule import Phase
from tests.unit.training.synthetic_training import Adversary, adversarial_task, make_task, recipe

torch.set_num_threads(1)


def test_a_generator_learns_the_mean_of_the_data(tmp_path: Path) -> None:
    spectrum = torch.linspace(-1, 1, 32).expand(16, 32)
    task = adversarial_task(samples=[{"audio": spectrum}] * 6, transform=None, labels=None, groups=None)
    tables: dict[str, Any] = {
        "loop": {"max_steps": 150, "accumulate": 1, "checkpoint_every": "never"},
        "optimizer": {"name": "adam", "lr": 2e-3, "betas": (0.5, 0.9), "weight_decay": 0},
    }
    fit(task, recipe(**tables), tmp_path)
    distances = [line["generator/distance"] for line in read_metrics(tmp_path / "metrics.jsonl")]
    assert distances[-1] < 0.5 * distances[0]


def test_each_phase_logs_under_its_name_and_each_optimizer_its_rate(tmp_path: Path) -> None:
    fit(adversarial_task(), recipe(loop={"max_steps": 5}), tmp_path)
    (line,) = read_metrics(tmp_path / "metrics.jsonl")
    assert list(line)[3:] == [
        "lr",
        "lr/critic",
        "generator/loss",
        "generator/distance",
        "generator/grad_norm",
        "critic/loss",
    ]
    assert line["lr/critic"] == 2e-3


def test_a_phase_moves_its_own_optimizer_alone(tmp_path: Path) -> None:
    phases = [Phase("generator", every=2), Phase("critic", ["critic"], every=2, first=1)]
    for steps, moved in ((1, {"generator"}), (2, {"generator", "critic"})):
        task, start = adversarial_task(phases), adversarial_task(phases)
        fit(task, recipe(loop={"max_steps": steps}), tmp_path / str(steps))
        pairs = {"generator": (task.model, start.model), "critic": (task.objective, start.objective)}
        changed = {
            name
            for name, (ours, theirs) in pairs.items()
            if any(not torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
        }
        assert changed == moved


def test_optimizers_that_move_together_do_what_one_does(tmp_path: Path) -> None:
    """With equal settings and no clipping, two optimizers over halves of a model are one over the whole."""
    tables: dict[str, Any] = {"optimizer": {"clip_norm": 0}, "loop": {"max_steps": 6, "log_every": 1}}
    settings = recipe(**tables)
    fit(make_task(), settings, tmp_path / "one")
    task = make_task()
    head = NamedOptimizer("head", [task.model.head], settings.main)
    fit(make_task(model=task.model, optimizers=[head]), settings, tmp_path / "two")
    losses = {
        name: [line["loss"] for line in read_metrics(tmp_path / name / "metrics.jsonl")]
        for name in ("one", "two")
    }
    assert losses["one"] == losses["two"]


def test_optimizers_are_clipped_apart(tmp_path: Path) -> None:
    task = make_task()
    head = OptimizationRecipe(optimizer=OptimizerRecipe(clip_norm=1e-3))
    named = [NamedOptimizer("head", [task.model.head], head)]
    task = make_task(model=task.model, optimizers=named, validate=None)
    fit(task, recipe(loop={"max_steps": 5}), tmp_path)
    (line,) = read_metrics(tmp_path / "metrics.jsonl")
    assert line["grad_norm/main"] > 0
    assert line["grad_norm/head"] > 1e-3


def test_the_phase_and_the_term_that_are_not_finite_are_named(tmp_path: Path) -> None:
    class Broken(Adversary):
        def forward(self, model: torch.nn.Module, batch: Any, phase: str) -> dict[str, torch.Tensor]:
            scalars = super().forward(model, batch, phase)
            penalty = torch.tensor(math.nan if phase == "critic" else 0.0)
            return {**scalars, "loss": scalars["loss"] + penalty, "penalty": penalty}

    phases = [Phase("generator"), Phase("critic", ["critic"], every=3, first=2)]
    with pytest.raises(SomeFailedError, match=r"critic/loss became nan at step 3 \(of its terms: penalty\)"):
        fit(adversarial_task(phases, objective=Broken), recipe(), tmp_path)
