"""Every method goes on after kill -9 as if nothing had happened: memories, teacher and averages included."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kill_pretrainings import RUNS

from avtool.training.metrics_log import read_metrics

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    script = [HERE / "kill_pretrainings.py", root, root / "results.json"]
    environment = {**os.environ, "AVTOOL_CACHE_DIR": str(root / "cache")}
    subprocess.run([sys.executable, *script], check=True, timeout=600, env=environment)
    return root


@pytest.fixture(scope="module")
def results(root: Path) -> dict[str, Any]:
    return json.loads((root / "results.json").read_text())


@pytest.mark.parametrize("name", RUNS)
def test_a_killed_pretraining_ends_with_the_bytes_of_an_undisturbed_one(
    results: dict[str, Any], name: str
) -> None:
    assert results[name] == {"codes": [0, -9, 0], "differences": []}


@pytest.mark.parametrize("name", RUNS)
def test_the_log_names_every_term_in_every_line(root: Path, results: dict[str, Any], name: str) -> None:
    assert results[name]["codes"][0] == 0
    lines = read_metrics(root / name / "whole" / "metrics.jsonl")
    for split, count in (("train", 3), ("val", 2)):
        terms = [set(line) for line in lines if line["split"] == split]
        assert len(terms) == count
        assert all(names == terms[0] for names in terms)
        assert all(line["loss"] is not None for line in lines)
