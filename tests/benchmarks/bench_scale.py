"""Hours, cores and bytes of large batches from unit costs, and a simulation of the scheduler beside them.

`python -m tests.benchmarks scale`. The simulation is that of `avtool.core.cluster`: one scheduler hands out
tasks one after the other, a worker has the next one waiting while it runs one, and what a lost worker was
running is done again by another.
"""

import heapq
import math
from dataclasses import dataclass
from itertools import count

import numpy as np

HOUR = 3600.0


@dataclass(frozen=True)
class Work:
    """A batch: its tasks, core seconds and bytes written of each, and how much their lengths vary."""

    name: str
    tasks: int
    seconds: float
    megabytes: float
    spread: float = 0.0

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Seconds of each task, (tasks,): log-normal about their mean."""
        sigma = math.sqrt(math.log1p(self.spread**2))
        return self.seconds * np.exp(sigma * rng.standard_normal(self.tasks) - sigma**2 / 2)


@dataclass(frozen=True)
class Simulated:
    """Wall seconds of a batch, the share of the workers' time that was work, and workers that were lost."""

    wall: float
    busy: float
    lost: int


def simulate(
    durations: np.ndarray,
    workers: int,
    *,
    handling: float = 0.0,
    lifetime: float = math.inf,
    restart: float = 60.0,
    seed: int = 0,
) -> Simulated:
    """Runs a batch on workers that may die.

    Args:
        durations: seconds of each task, in the order in which they are handed out.
        workers: that run one task each at a time.
        handling: seconds of the scheduler for a task; it handles one at a time.
        lifetime: mean seconds of a worker until it is lost (exponential).
        restart: seconds until a lost worker is replaced.
        seed: of the losses.
    """
    rng = np.random.default_rng(seed)
    waiting = list(map(float, durations[::-1]))
    order, scheduler, lost, done, last = count(), 0.0, 0, 0.0, 0.0
    events = [(0.0, next(order), worker, 0.0) for worker in range(workers)]  # time, -, worker, task that ends
    free = [0.0] * workers  # since when the worker has room for the next task: since it began the last one
    dies = rng.exponential(lifetime, workers) if math.isfinite(lifetime) else np.full(workers, math.inf)
    heapq.heapify(events)
    while events:
        now, _, worker, task = heapq.heappop(events)
        if task < 0:  # lost at this time: its task waits again, and it comes back
            waiting.append(-task)
            lost += 1
            dies[worker] = now + restart + rng.exponential(lifetime)
            heapq.heappush(events, (now + restart, next(order), worker, 0.0))
            continue
        done, last = done + task, max(last, now) if task else last
        if not waiting:
            continue
        scheduler = max(scheduler, free[worker]) + handling
        begin = free[worker] = max(now, scheduler)
        length = waiting.pop()
        ends = begin + length
        if ends > dies[worker]:
            heapq.heappush(events, (max(begin, float(dies[worker])), next(order), worker, -length))
        else:
            heapq.heappush(events, (ends, next(order), worker, length))
    return Simulated(last, done / (workers * last), lost)


def plan(work: Work, cores: int) -> float:
    """Wall seconds on paper: the work in equal shares, or the scheduler's own, and a task at the end."""
    return max(work.tasks * work.seconds / cores, work.tasks * HANDLING_S) + work.seconds


def main() -> None:
    """Prints the plan for three collections, and the simulated hours beside it."""
    film = 1.8  # hours
    mining, captions, scores = 77 / 3 * film, 31 / (129 / 60) * film, 35 / 3 * film
    works = [
        Work("mine 430 films", 430, mining, 500 * film * 0.141, 0.25),
        Work("mine 100,000 films", 100_000, mining, 500 * film * 0.141, 0.25),
        Work("caption 100,000 films", 100_000, captions, 0.5, 0.25),
        Work("predict events of 100,000 films", 100_000, scores, 0.5, 0.25),
        Work("embed 2,000,000 clips, 16 a task", 125_000, 16 * 60 / 2000, 16 * 0.003, 0.25),
    ]
    print("work | core hours | GB | cores | plan, h | simulated, h | busy | a worker lost each 10 h: h, lost")
    for work in works:
        durations = work.draw(np.random.default_rng(0))
        for cores in (16, 1000):
            found = simulate(durations, cores, handling=HANDLING_S)
            losses = [
                simulate(durations, cores, handling=HANDLING_S, lifetime=10 * HOUR, seed=seed)
                for seed in range(5)
            ]
            walls = [one.wall / HOUR for one in losses]
            core_hours, gigabytes = work.tasks * work.seconds / HOUR, work.tasks * work.megabytes / 1000
            lost = np.mean([one.lost for one in losses])
            cells = [
                work.name, f"{core_hours:.1f}", f"{gigabytes:.0f}", cores, f"{plan(work, cores) / HOUR:.3f}",
                f"{found.wall / HOUR:.3f}", f"{found.busy:.3f}",
                f"{np.mean(walls):.3f} ({min(walls):.3f} to {max(walls):.3f}), {lost:.0f}",
            ]  # fmt: skip
            print(" | ".join(map(str, cells)))


HANDLING_S = 0.005
"""Processor seconds of client and scheduler for a task that does nothing (`bench_cluster`)."""

if __name__ == "__main__":
    main()
