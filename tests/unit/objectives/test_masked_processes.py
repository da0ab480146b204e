"""Two processes with half a batch each learn what one learns from all of it: the contrasts see every clip."""

from pathlib import Path

import torch

from tests.harness import run_two
from tests.unit.objectives.masked_processes import build, clips, loss_of

torch.set_num_threads(1)


def test_gradients_of_two_processes_are_those_of_one(tmp_path: Path) -> None:
    run_two("tests.unit.objectives.masked_processes", tmp_path / "grads.pt")
    of_two = torch.load(tmp_path / "grads.pt", weights_only=True)
    net = build()
    loss_of(net, clips(4)).backward()
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(of_two[name], parameter.grad, rtol=1e-4, atol=1e-6, msg=name)
