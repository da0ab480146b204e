"""A training that was killed and run again leaves the very bytes of one that was not."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness import run_module

EXIT_CODES = {"kill": -9, "sigterm": 143, "sigint": 130}
SCENARIOS = [
    *(f"kill-{step}" for step in (1, 3, 4, 8, 12)),
    "kill-in-checkpoint-1",
    "kill-in-checkpoint-4",
    "workers-kill-8",
    "sgd-averaged-kill-11",
    "bf16-grouped-kill-11",
    "plateau-kill-11",
    "frozen-kill-8",
    *(f"{phase}-kill-{step}" for step in (4, 8) for phase in ("generator", "critic")),
    "sigterm-5",
    "sigint-7",
    "sigterm-group-4",
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    run_module("tests.unit.training.kill_scenarios", root, root / "results.json", timeout=240)
    return root


@pytest.fixture(scope="module")
def results(runs: Path) -> dict[str, Any]:
    return json.loads((runs / "results.json").read_text())


def test_every_scenario_is_looked_at(results: dict[str, Any]) -> None:
    assert {name for name in results if len(results[name]["codes"]) == 2} == set(SCENARIOS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_disturbed_run_ends_with_the_bytes_of_an_undisturbed_one(
    results: dict[str, Any], name: str
) -> None:
    disturbed, resumed = results[name]["codes"]
    assert disturbed == next(code for kind, code in EXIT_CODES.items() if kind in name)
    assert resumed == 0
    assert results[name]["differences"] == []


def test_worker_processes_change_nothing(results: dict[str, Any]) -> None:
    assert results["workers"] == {"codes": [0], "differences": []}


@pytest.mark.parametrize(("name", "step"), [("sigterm-5", 5), ("sigint-7", 7), ("sigterm-group-4", 4)])
def test_a_signal_finishes_the_step_and_keeps_its_state(
    results: dict[str, Any], name: str, step: int
) -> None:
    assert results[name]["kept_step"] == step


def test_the_plateau_was_reached(runs: Path) -> None:
    lines = [json.loads(line) for line in (runs / "plateau" / "metrics.jsonl").read_text().splitlines()]
    assert {line["lr"] for line in lines if "lr" in line} == {1e-3, 1e-4}


def test_the_undisturbed_run_learned_and_logged(runs: Path) -> None:
    lines = [json.loads(line) for line in (runs / "plain" / "metrics.jsonl").read_text().splitlines()]
    assert [(line["step"], line["split"]) for line in lines] == [
        (4, "val"),
        (5, "train"),
        (8, "val"),
        (10, "train"),
        (12, "train"),
        (12, "val"),
    ]
    assert (runs / "plain" / "last").read_text() == "step-000012\n"


def test_the_variants_train_differently(runs: Path) -> None:
    weights = {
        name: (runs / name / "model" / "model.safetensors").read_bytes()
        for name in ("plain", "sgd-averaged", "bf16-grouped")
    }
    assert len(set(weights.values())) == 3
