"""Parallel work on a Dask cluster: a bounded number of tasks under way, and lost workers survived.

A worker that dies costs the tasks that it was running: Dask gives them to another one. A task whose workers
die time after time (`distributed.scheduler.allowed-failures`) is given up alone.
"""

import pkgutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from avtool.core.errors import AvtoolError, BadInputError, MissingError
from avtool.core.requirements import quiet, require
from avtool.core.version import __version__

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

_AHEAD = 2  # tasks for each thread of the cluster: the next one waits there while one runs
_VERSION = "avtool.core.version:__version__"
_WAIT_S = 30  # for the first worker
_CONNECT_S = 10
_LOOK_EVERY_S = 1.0


def map_on_cluster(
    function: Callable[[Task], Outcome],
    tasks: Sequence[Task],
    jobs: int,
    scheduler: str,
    lost: Callable[[Task, AvtoolError], Outcome] | None = None,
) -> Iterator[Outcome]:
    """Yields `function(task)` for every task, in the order in which they finish.

    Args:
        function: picklable.
        tasks: picklable inputs.
        jobs: workers of a cluster on this machine; one that runs already has its own number.
        scheduler: the address of a Dask scheduler; empty starts a cluster on this machine.
        lost: the outcome of a task that no worker survived; None ends the work with the error.

    Raises:
        BadInputError: no worker survived a task, and `lost` is None.
        MissingError: Dask is not installed, not reachable, has no workers, or was lost.
    """
    distributed = require("distributed", extra="dask")
    with (  # a connection that a dead worker leaves behind is an error of tornado's and asyncio's loggers too
        quiet("distributed"),
        quiet("tornado"),
        quiet("asyncio"),
        _client(distributed, scheduler, jobs) as client,
    ):
        waiting = iter(enumerate(tasks))
        running = distributed.as_completed()
        places: dict[str, int] = {}

        def submit() -> bool:
            for place, task in waiting:
                future = client.submit(function, task, pure=False, key=f"avtool-{id(tasks)}-{place}")
                places[future.key] = place
                running.add(future)
                return True
            return False

        size = _Size(client)
        for _ in range(_AHEAD * size.threads):
            submit()
        for future in running:
            place = places.pop(future.key)
            try:
                outcome = future.result()
            except distributed.KilledWorker as error:
                outcome = _given_up(tasks[place], error, lost)
            except (distributed.client.CancelledError, OSError) as error:
                raise MissingError(
                    "the Dask scheduler was lost", "run the same command again to resume"
                ) from error
            del future  # the cluster forgets the outcome
            submit()
            yield outcome
            while len(places) < _AHEAD * size.threads and submit():  # the cluster has grown
                pass


def _given_up(task: Task, error: Exception, lost: Callable[[Task, AvtoolError], Outcome] | None) -> Outcome:
    problem = BadInputError(
        "every worker that it was given to died, most likely for want of memory",
        "give the workers more memory, and run the same command again to resume",
    )
    if lost is None:
        raise problem from error
    return lost(task, problem)


class _Size:
    """The size of a cluster, which may grow and shrink; looked up once a second at most."""

    def __init__(self, client: Any) -> None:
        self._client, self._known, self._until = client, 0, 0.0

    @property
    def threads(self) -> int:
        """Threads of the cluster; at least one, for it may be waiting for its next worker."""
        if time.monotonic() >= self._until:
            self._known = max(1, sum(map(int, self._client.nthreads().values())))
            self._until = time.monotonic() + _LOOK_EVERY_S
        return self._known


@contextmanager
def _client(distributed: Any, scheduler: str, jobs: int) -> Iterator[Any]:
    """A client of a cluster that has a worker."""
    if not scheduler:
        with (
            distributed.LocalCluster(
                n_workers=jobs, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(scheduler, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        raise MissingError(
            f"no Dask scheduler at `{scheduler}`", "start one with `dask scheduler`"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_WAIT_S)
        except TimeoutError as error:
            message = f"the Dask scheduler at `{scheduler}` has no workers"
            raise MissingError(message, f"start some with `dask worker {scheduler}`") from error
        _check_versions(client)
        yield client


def _check_versions(client: Any) -> None:
    """Makes sure that all have this avtool: a worker without any would end at its first task.

    Raises:
        MissingError: one of them has none, or another version.
    """
    workers = client.run(pkgutil.resolve_name, _VERSION, on_error="return")
    found = {f"the worker `{name}`": version for name, version in sorted(workers.items())}
    try:
        found["the scheduler"] = client.run_on_scheduler(pkgutil.resolve_name, _VERSION)
    except (ImportError, AttributeError) as error:
        found["the scheduler"] = error
    others = {place: version for place, version in found.items() if version != __version__}
    for place, version in others.items():
        has = f"has avtool {version}" if isinstance(version, str) else "has no avtool"
        more = f", as have {len(others) - 1} others" if len(others) > 1 else ""
        raise MissingError(
            f"{place} {has}{more}: this is avtool {__version__}",
            "install one version on all machines, and start them again",
        )
