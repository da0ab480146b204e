"""Processes that work beside this one: launched together to train, or sharing a cache by chance."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avtool.core.files import writing


def is_first_process() -> bool:
    """Whether this process speaks and writes for all that `torchrun` or `accelerate launch` started."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Lets one process into the block for `path`; the others wait, and then find what the first one made.

    The lock is a file beside `path`, which stays: removing it would let a third process in beside a second.
    The system lets go of the lock of a process that dies.
    """
    lock = path.with_name(f".{path.name}.lock")
    with writing(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a")
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
