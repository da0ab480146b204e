"""Parallel work: one function over many inputs, here, in processes or on a cluster; locks and ranks."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from avtool.core.errors import BadInputError, MissingError
from avtool.core.files import writing
from avtool.core.requirements import require

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

_PARENT_EVERY_S = 1.0
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def map_unordered(
    function: Callable[[Task], Outcome],
    tasks: Sequence[Task],
    *,
    jobs: int = 1,
    engine: str = "local",
    scheduler: str = "",
) -> Iterator[Outcome]:
    """Yields `function(task)` for every task, in the order in which they finish.

    Args:
        function: a module-level function; it must not raise for a bad input, but return what went wrong.
        tasks: picklable inputs.
        jobs: how many processes; -1 is one for each processor.
        engine: `local` (joblib's loky processes) or `dask`.
        scheduler: the address of a Dask scheduler (`tcp://…`); empty starts a cluster on this machine.

    Raises:
        BadInputError: `jobs` is 0, or a worker process died (such as out of memory).
        MissingError: Dask is not installed or not reachable.
    """
    check_jobs(jobs)
    if engine == "local" and (jobs == 1 or len(tasks) <= 1):
        yield from map(function, tasks)
        return
    import joblib

    jobs = joblib.cpu_count() if jobs < 0 else jobs
    with _one_thread_each(), _backend(engine, scheduler, jobs):
        parallel = joblib.Parallel(
            n_jobs=min(jobs, len(tasks)), return_as="generator_unordered", pre_dispatch=jobs
        )
        try:
            yield from parallel(_calls(function, tasks))
        except joblib.externals.loky.process_executor.TerminatedWorkerError as error:
            message = "a worker process was killed, most likely for want of memory"
            raise BadInputError(message, "lower --jobs and run the same command again to resume") from error


def check_jobs(jobs: int) -> None:
    """Makes sure that a number of processes is one.

    Raises:
        BadInputError: it is 0, or below -1.
    """
    if jobs == 0 or jobs < -1:
        raise BadInputError(
            f"there cannot be {jobs} processes", "--jobs 1 or more, or -1 for one a processor"
        )


def _calls(function: Callable[[Task], Outcome], tasks: Iterable[Task]) -> Iterator[Any]:
    import joblib

    folder = Path.cwd()
    return (joblib.delayed(_in_worker)(function, task, os.getpid(), folder) for task in tasks)


def _in_worker(function: Callable[[Task], Outcome], task: Task, parent: int, folder: Path) -> Outcome:
    _watch(parent)
    if os.getppid() == parent and Path.cwd() != folder:
        os.chdir(folder)  # joblib keeps its processes, and the parent may have moved since they began
    return function(task)


@cache
def _watch(parent: int) -> None:
    """Ends this worker process soon after its parent: a killed command leaves nothing running behind.

    Workers of a cluster have another parent, and are left alone.
    """
    if os.getppid() != parent:
        return

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_EVERY_S)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Keeps numeric libraries in the workers from starting a thread for each processor."""
    old = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in old.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _backend(engine: str, scheduler: str, jobs: int) -> Iterator[None]:
    import joblib

    if engine == "local":
        with joblib.parallel_config(backend="loky"):
            yield
        return
    distributed = require("distributed", extra="dask")
    try:
        client = distributed.Client(
            scheduler or None, **({} if scheduler else _small_cluster(jobs)), timeout=10
        )
    except (OSError, ValueError) as error:
        raise MissingError(
            f"no Dask scheduler at `{scheduler}`", "start one with `dask scheduler`"
        ) from error
    with client, joblib.parallel_config(backend="dask", wait_for_workers_timeout=30):
        yield


def _small_cluster(jobs: int) -> dict[str, Any]:
    return {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}


def is_first_process() -> bool:
    """Whether this process prints and writes for all that `torchrun` or `accelerate launch` started."""
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
