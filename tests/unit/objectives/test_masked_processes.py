"""Two processes with half a batch each learn what one learns from all of it: the contrasts see every clip."""

from pathlib import Path

import torch

from tests.harness import run_two
from tests.unit.objectives.masked_processes import build, clips, loss_of
from tests.unit.objectives.shared_batch import check_gradients

torch.set_num_threads(1)


def test_gradients_of_two_processes_are_those_of_one(tmp_path: Path) -> None:
    run_two("tests.unit.objectives.masked_processes", tmp_path / "grads.pt")
    check_gradients(tmp_path / "grads.pt", build(), loss_of, clips(4))
