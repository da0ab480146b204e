"""Workers end within seconds of a parent that was killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.harness import REPOSITORY

PARENT = """
import sys
from avtool.core.parallel import map_unordered
from tests.unit.core.test_orphans import wait_long
list(map_unordered(wait_long, [sys.argv[1]] * 4, jobs=2))
"""


def wait_long(folder: str) -> None:
    """A task that would take ten minutes, and names its process."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], cwd=REPOSITORY) as parent:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        workers = [int(path.name) for path in tmp_path.iterdir()]
        assert len(workers) == 2
        assert all(map(is_alive, workers))
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, workers))
