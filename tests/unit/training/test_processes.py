"""Several processes train as one with a larger batch."""

import json
from pathlib import Path

import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.training.loop import fit
from avtool.training.metrics_log import read_metrics
from tests.harness import run_two
from tests.unit.training.synthetic_training import adversarial_task, quiet_task, recipe

torch.set_num_threads(1)
SYNTHETIC = "tests.unit.training.synthetic_training"


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of two processes with gloo, each with batches of three."""
    folder = tmp_path_factory.mktemp("two")
    run_two(SYNTHETIC, "quiet", folder, json.dumps({"loop": {"batch_size": 3}}))
    return folder


def test_two_processes_equal_one_with_the_doubled_batch(of_two: Path, tmp_path: Path) -> None:
    fit(quiet_task(), recipe(loop={"batch_size": 6}), tmp_path)
    ours, theirs = read_metrics(tmp_path / "metrics.jsonl"), read_metrics(of_two / "metrics.jsonl")
    assert [line.keys() for line in ours] == [line.keys() for line in theirs]
    for one, two in zip(ours, theirs, strict=True):
        assert one == pytest.approx(two, abs=1e-5)


def test_two_processes_take_turns_as_one(tmp_path: Path) -> None:
    """Each phase reduces the gradients of its own optimizer alone."""
    run_two(SYNTHETIC, "adversarial", tmp_path / "two", json.dumps({"loop": {"batch_size": 3}}))
    fit(adversarial_task(noise=False), recipe(loop={"batch_size": 6}), tmp_path / "one")
    ours, theirs = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("one", "two"))
    assert len(ours) == len(theirs) == 2
    for one, two in zip(ours, theirs, strict=True):
        assert one == pytest.approx(two, abs=1e-5)


def test_another_number_of_processes_cannot_go_on(of_two: Path) -> None:
    with pytest.raises(BadInputError, match="begun by 2 processes, and 1 would take other batches"):
        fit(quiet_task(), recipe(loop={"batch_size": 3}), of_two)
