"""The simulation of the scheduler, where its result is known."""

import math

import numpy as np
import pytest

from tests.benchmarks.bench_scale import Work, plan, simulate


def test_equal_tasks_fill_the_workers_in_rounds():
    found = simulate(np.full(103, 2.0), 10)
    assert found.wall == pytest.approx(math.ceil(103 / 10) * 2.0)
    assert found.busy == pytest.approx(103 / 110)
    assert simulate(np.arange(1.0, 6.0), 1).wall == pytest.approx(15.0)


def test_the_longest_task_and_the_scheduler_bound_the_time():
    assert simulate(np.array([100.0, 1, 1, 1]), 4).wall == 100.0
    assert simulate(np.full(1000, 0.1), 1000, handling=0.5).wall == pytest.approx(500.1)


def test_waiting_tasks_hide_the_scheduler():
    assert simulate(np.full(1000, 1.0), 10, handling=0.05).wall < 101.0


def test_a_lost_worker_costs_its_task_and_its_time():
    durations = np.full(2000, 60.0)
    steady = simulate(durations, 20)
    for seed in range(5):
        found = simulate(durations, 20, lifetime=3600.0, restart=60.0, seed=seed)
        assert found.lost > 0
        most = steady.wall + found.lost * (60.0 + 60.0) / 20 + 2 * 120
        assert steady.wall < found.wall <= most
        assert found.busy * found.wall * 20 == pytest.approx(durations.sum()), "every task is done once"


def test_the_plan_is_what_the_simulation_finds():
    work = Work("films", 20_000, 40.0, 1.0, 0.25)
    durations = work.draw(np.random.default_rng(1))
    assert durations.mean() == pytest.approx(40.0, rel=0.01)
    for cores in (16, 1000):
        assert simulate(durations, cores, handling=0.001).wall == pytest.approx(plan(work, cores), rel=0.05)
