"""Parallel work: the same results from one process, several, and a local cluster."""

import os
from pathlib import Path

import pytest

from avtool.core.errors import BadInputError, MissingError
from avtool.core.parallel import map_blocks, map_unordered, run_on


def square(x: int) -> int:
    return x * x


def die(x: int) -> int:
    os._exit(9)


def die_at_three(x: int) -> int:
    return die(x) if x == 3 else x


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
    with run_on("dask"):
        assert sorted(map_unordered(square, range(5), jobs=2)) == [0, 1, 4, 9, 16]


@pytest.mark.slow
def test_a_task_that_kills_every_worker_is_given_up_alone():
    with run_on("dask"):
        ended = list(map_unordered(die_at_three, range(6), jobs=2, lost=lambda task, error: (task, error)))
    assert sorted(one for one in ended if isinstance(one, int)) == [0, 1, 2, 4, 5]
    ((task, error),) = [one for one in ended if not isinstance(one, int)]
    assert task == 3
    assert "every worker that it was given to died" in str(error)


def die_at_three_of(block: list[int]) -> list[int]:
    return die(3) if 3 in block else block


@pytest.mark.slow
def test_of_a_block_that_kills_every_worker_one_input_is_given_up():
    with run_on("dask"):
        ended = list(
            map_blocks(
                die_at_three_of, [[0, 1], [2, 3], [4, 5]], lambda block: [[one] for one in block],
                jobs=2, lost=lambda block, error: [(block, str(error))],
            )
        )  # fmt: skip
    flat = [one for block in ended for one in block]
    assert sorted(one for one in flat if isinstance(one, int)) == [0, 1, 2, 4, 5]
    ((block, error),) = [one for one in flat if not isinstance(one, int)]
    assert block == [3]
    assert "every worker that it was given to died" in error


@pytest.mark.slow
def test_workers_that_do_not_see_the_output_are_one_line(tmp_path):
    with run_on("dask"), pytest.raises(BadInputError, match="does not see the output folder"):
        list(map_unordered(square, range(5), jobs=1, shared=tmp_path / "elsewhere"))


def test_a_scheduler_that_is_not_there_is_one_line():
    with run_on("dask", "tcp://127.0.0.1:9"), pytest.raises(MissingError, match="no Dask scheduler at"):
        list(map_unordered(square, range(5)))
    with pytest.raises(BadInputError, match="--engine dask"), run_on("local", "tcp://127.0.0.1:9"):
        pass


@pytest.mark.parametrize("jobs", [0, -2])
def test_a_number_of_processes_that_cannot_be_is_refused(jobs):
    with pytest.raises(BadInputError, match=f"there cannot be {jobs} processes"):
        list(map_unordered(abs, [1, 2], jobs=jobs))
