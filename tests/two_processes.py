"""Starts what a test trains by two processes."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_LAUNCHER = (
    "-m",
    "torch.distributed.run",
    "--standalone",
    "--local-addr",
    "127.0.0.1",
    "--nproc-per-node",
    "2",
)


def run_two(
    words: Sequence[str | Path], *, timeout: float = 300, env: Mapping[str, str] | None = None
) -> None:
    """Runs a script, or `-m` and a module, in two processes joined by gloo over the loopback device.

    Raises:
        AssertionError: one of them failed; with what they printed.
    """
    # gloo would look its own address up by the machine's name, which may lead nowhere
    environment = {**os.environ, **(env or {}), "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [sys.executable, *_LAUNCHER, *words],
        timeout=timeout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
