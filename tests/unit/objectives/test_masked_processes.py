"""Two processes with half a batch each learn what one learns from all of it: the contrasts see every clip."""

import subprocess
import sys
from pathlib import Path

import torch
from masked_processes import build, clips, loss_of

torch.set_num_threads(1)


def test_gradients_of_two_processes_are_those_of_one(tmp_path: Path) -> None:
    script = Path(__file__).with_name("masked_processes.py")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run(
        [sys.executable, *launcher, script, tmp_path / "grads.pt"],
        check=True,
        timeout=300,
        capture_output=True,
    )
    of_two = torch.load(tmp_path / "grads.pt", weights_only=True)
    net = build()
    loss_of(net, clips(4)).backward()
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(of_two[name], parameter.grad, rtol=1e-4, atol=1e-6, msg=name)
