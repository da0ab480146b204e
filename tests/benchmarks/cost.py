"""What a command takes, measured from outside."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Wall seconds, processor seconds, and the largest resident memory in MiB."""

    wall_s: float
    cpu_s: float
    memory_mib: float

    def __str__(self) -> str:
        return f"{self.wall_s:6.1f} s wall {self.cpu_s:6.1f} s cpu {self.memory_mib:6.0f} MiB"


def cost_of(command: Sequence[str]) -> Cost:
    """Runs a command to its end, without its output."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begin
    assert process.returncode == 0, f"{command} ended with {process.returncode}"
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
