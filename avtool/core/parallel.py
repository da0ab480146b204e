"""Parallel work: one function over many inputs, here, in processes or on a cluster; locks and ranks."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from socket import gethostname
from typing import Any, TypeVar

from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import writing
from avtool.core.version import __version__

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

_PARENT_EVERY_S = 1.0
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Engine:
    """Where parallel work runs: `local` (joblib's processes), or `dask` with the address of its scheduler."""

    name: str = "local"
    scheduler: str = ""


_LOCAL = Engine()
_engine: ContextVar[Engine] = ContextVar("engine", default=_LOCAL)


@contextmanager
def run_on(name: str, scheduler: str = "") -> Iterator[None]:
    """Runs the parallel work inside the block on an engine.

    Args:
        name: `local`, or `dask`.
        scheduler: the address of a Dask scheduler (`tcp://…`); empty starts a cluster on this machine.

    Raises:
        BadInputError: a scheduler is given, and the engine is another.
    """
    if scheduler and name != "dask":
        raise BadInputError("--scheduler is given without --engine dask", "add --engine dask")
    token = _engine.set(Engine(name, scheduler))
    try:
        yield
    finally:
        _engine.reset(token)


def is_serial(jobs: int, count: int) -> bool:
    """Whether `count` tasks run in this very process, one after the other."""
    return _engine.get().name == "local" and (jobs == 1 or count <= 1)


def map_unordered(
    function: Callable[[Task], Outcome],
    tasks: Sequence[Task],
    *,
    jobs: int = 1,
    lost: Callable[[Task, AvtoolError], Outcome] | None = None,
    shared: Path | None = None,
) -> Iterator[Outcome]:
    """Yields `function(task)` for every task, in the order in which they finish, on the engine of `run_on`.

    Args:
        function: a module-level function; it must not raise for a bad input, but return what went wrong.
        tasks: picklable inputs.
        jobs: how many processes; -1 is one for each processor. A cluster that runs already has its own.
        lost: the outcome of a task that killed every worker of a cluster that it was given to; None ends the
            work with the error.
        shared: the folder that the workers write to.

    Raises:
        BadInputError: `jobs` is 0, a worker process died (such as out of memory), or a worker of a cluster
            has another version of avtool, or does not see `shared`.
        MissingError: Dask is not installed or not reachable, or a worker lacks avtool.
    """
    check_jobs(jobs)
    if is_serial(jobs, len(tasks)):
        yield from map(function, tasks)
        return
    import joblib

    jobs = joblib.cpu_count() if jobs < 0 else jobs
    engine = _engine.get()
    if engine.name == "dask":
        from avtool.core.cluster import map_on_cluster

        with _one_thread_each():
            yield from map_on_cluster(_InWorker(function, shared), tasks, jobs, engine.scheduler, lost)
        return
    with _one_thread_each(), joblib.parallel_config(backend="loky"):
        parallel = joblib.Parallel(
            n_jobs=min(jobs, len(tasks)), return_as="generator_unordered", pre_dispatch=jobs
        )
        try:
            run = joblib.delayed(_InWorker(function))
            yield from parallel(run(task) for task in tasks)
        except joblib.externals.loky.process_executor.TerminatedWorkerError as error:
            message = "a worker process was killed, most likely for want of memory"
            raise BadInputError(message, "lower --jobs and run the same command again to resume") from error


def map_blocks(
    function: Callable[[Task], Outcome],
    blocks: Sequence[Task],
    split: Callable[[Task], Sequence[Task]],
    *,
    jobs: int,
    lost: Callable[[Task, AvtoolError], Outcome],
    shared: Path | None = None,
) -> Iterator[Outcome]:
    """As `map_unordered` over blocks of inputs; of a block that no worker survived, each is tried alone.

    Args:
        function: of a block.
        blocks: of one or more inputs.
        split: a block → one block for each of its inputs.
        jobs: as `map_unordered`.
        lost: the outcome of a block of one input that killed every worker.
        shared: as `map_unordered`.

    Raises:
        AvtoolError: as `map_unordered`.
    """
    apart: list[Task] = []

    def set_apart(block: Task, error: AvtoolError) -> Outcome | None:
        inputs = split(block)
        if len(inputs) == 1:
            return lost(block, error)
        apart.extend(inputs)
        return None

    first = map_unordered(function, blocks, jobs=jobs, lost=set_apart, shared=shared)
    yield from (outcome for outcome in first if outcome is not None)
    if apart:
        yield from map_unordered(function, apart, jobs=jobs, lost=lost, shared=shared)


def check_jobs(jobs: int) -> None:
    """Makes sure that a number of processes is one.

    Raises:
        BadInputError: it is 0, or below -1.
    """
    if jobs == 0 or jobs < -1:
        raise BadInputError(
            f"there cannot be {jobs} processes", "--jobs 1 or more, or -1 for one a processor"
        )


class _InWorker:
    """A function as a worker process runs it: in the folder of its parent, and no longer than that lives."""

    def __init__(self, function: Callable[[Any], Any], shared: Path | None = None) -> None:
        self.function, self.parent, self.folder = function, os.getpid(), Path.cwd()
        self.version, self.shared = __version__, shared.absolute() if shared else None

    def __call__(self, task: Any) -> Any:
        _watch(self.parent)
        self._check()
        if Path.cwd() != self.folder and self.folder.is_dir():
            os.chdir(self.folder)  # workers outlive calls, and the parent may have moved since they began
        return self.function(task)

    def _check(self) -> None:
        """Refuses what only a worker on another machine can lack."""
        if self.version != __version__:
            message = f"a worker on `{gethostname()}` has avtool {__version__}, and this is {self.version}"
            raise BadInputError(message, "install one version on all machines, and start the workers again")
        if self.shared is not None and not self.shared.is_dir():
            message = f"a worker on `{gethostname()}` does not see the output folder `{self.shared}`"
            raise BadInputError(message, "choose --out on a file system that all machines share")


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
