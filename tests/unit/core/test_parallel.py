"""Parallel work: the same results from one process, several, and a local cluster."""

import os
from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.core.parallel import map_unordered


def square(x: int) -> int:
    return x * x


def die(x: int) -> int:
    os._exit(9)


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_is_done_once(jobs):
    assert sorted(map_unordered(square, range(7), jobs=jobs)) == [x * x for x in range(7)]


def test_results_come_one_by_one():
    results = map_unordered(square, [2, 3])
    assert next(results) == 4


def is_here(name: str) -> bool:
    return Path(name).exists()


def test_processes_that_are_kept_follow_the_working_directory(tmp_path, monkeypatch):
    assert not any(map_unordered(is_here, ["a", "b"], jobs=2))
    for name in ("a", "b"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert all(map_unordered(is_here, ["a", "b"], jobs=2))


@pytest.mark.filterwarnings("ignore:A worker stopped:UserWarning")
def test_a_killed_worker_is_a_clean_error():
    with pytest.raises(BadInputError, match="worker process was killed"):
        list(map_unordered(die, [1, 2], jobs=2))


@pytest.mark.slow
def test_a_local_dask_cluster_gives_the_same():
    assert sorted(map_unordered(square, range(5), jobs=2, engine="dask")) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize("jobs", [0, -2])
def test_a_number_of_processes_that_cannot_be_is_refused(jobs):
    with pytest.raises(BadInputError, match=f"there cannot be {jobs} processes"):
        list(map_unordered(abs, [1, 2], jobs=jobs))
