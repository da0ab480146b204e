"""Methods go on after kill -9 as if nothing had happened: memories, teacher and averages included."""

import json
from pathlib import Path
from typing import Any

import pytest

from avtool.training.metrics_log import read_metrics
from tests.harness import run_module
from tests.unit.tasks.kill_pretrainings import RUNS

QUICK = ("audio-mae", "mavil-stage2", "avt-avt")
OTHERS = tuple(name for name in RUNS if name not in QUICK)


def run_script(root: Path, names: tuple[str, ...]) -> dict[str, Any]:
    run_module("tests.unit.tasks.kill_pretrainings", root, root / "results.json", *names, timeout=1200)
    results: dict[str, Any] = json.loads((root / "results.json").read_text())
    return results


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = tmp_path_factory.mktemp("quick")
    return root, run_script(root, QUICK)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = tmp_path_factory.mktemp("others")
    return root, run_script(root, OTHERS)


def check(run: tuple[Path, dict[str, Any]], name: str) -> None:
    root, results = run
    assert results[name] == {"codes": [0, -9, 0], "differences": []}
    lines = read_metrics(root / name / "whole" / "metrics.jsonl")
    for split, count in (("train", 3), ("val", 2)):
        terms = [set(line) for line in lines if line["split"] == split]
        assert len(terms) == count
        assert all(names == terms[0] for names in terms), "every line has every term"
    assert all(line["loss"] is not None for line in lines)


@pytest.mark.parametrize("name", QUICK)
def test_a_killed_pretraining_ends_with_the_bytes_of_an_undisturbed_one(
    quick: tuple[Path, dict[str, Any]], name: str
) -> None:
    check(quick, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_so_does_every_other_method(others: tuple[Path, dict[str, Any]], name: str) -> None:
    check(others, name)
