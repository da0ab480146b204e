"""Kills trainings at every step, resumes them, and compares what they leave with an undisturbed run.

A script: the parent imports torch once and does nothing else, and each training is a forked child.
"""

import json
import os
import signal
import subprocess
import sys
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import accelerate  # noqa: F401
import torch
import torch._dynamo  # slow to import: once here, and not in every child

from avtool.objectives.classification import CRITERIA, Classification
from avtool.training.loop import fit
from avtool.training.task import Training
from tests.harness import differences, in_child
from tests.unit.training.synthetic_training import (
    DESCRIPTION,
    Adversary,
    adversarial_task,
    frozen_task,
    make_task,
    recipe,
    save_host,
)

KILLED_STEPS = (1, 3, 4, 8, 12)
"""Before anything was kept, before and after a checkpoint, after the best one, and at the end."""


class DyingMapping(UserDict[str, Any]):
    """Preprocessing settings whose n-th reading kills the process: in the middle of a checkpoint."""

    readings_left = 0

    def __iter__(self) -> Iterator[str]:
        self.readings_left -= 1
        if self.readings_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__iter__()


def dying_at(step: int, number: int, *, group: bool = False) -> Callable[..., dict[str, torch.Tensor]]:
    """An objective that signals its own process (or group) in the first batch of a step."""
    task, calls = Classification(("audio",), CRITERIA["single-label"]), [0]

    def objective(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        calls[0] += 1
        if calls[0] == 2 * step - 1:
            if group:  # by another process, as a terminal or a scheduler does
                command = ["kill", "-s", str(int(number)), "--", f"-{os.getpgid(0)}"]
                subprocess.run(command, check=True, start_new_session=True)
            else:
                os.kill(os.getpid(), number)
        return task(model, batch)

    return objective


class DyingAdversary(Adversary):
    """An adversarial objective that kills its own process in a phase of a step."""

    def __init__(self, step: int, phase: str, *, noise: bool) -> None:
        super().__init__(noise=noise)
        self.left, self.fatal = 2 * step - 1, phase

    def forward(self, model: torch.nn.Module, batch: Any, phase: str) -> dict[str, torch.Tensor]:
        self.left -= phase == self.fatal
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(model, batch, phase)


def train(
    folder: Path, tables: Mapping[str, Any], make: Callable[..., Training] = make_task, **changes: Any
) -> int:
    """A training in a child process."""
    return in_child(lambda: fit(make(**changes), recipe(**tables), folder))


def main(root: Path) -> dict[str, Any]:
    """Runs every scenario: its name → exit codes of the disturbed and the resumed run, and what differs."""
    results: dict[str, Any] = {}

    def scenario(
        name: str,
        reference: str,
        tables: Mapping[str, Any],
        first: Mapping[str, Any],
        make: Callable[..., Training] = make_task,
    ) -> None:
        folder = root / name
        disturbed = train(folder, tables, make, **first)
        last = folder / "last"
        kept = int(last.read_text().strip()[-6:]) if last.is_file() else 0
        codes = [disturbed, train(folder, tables, make)]
        found = differences(folder, root / reference)
        results[name] = {"codes": codes, "differences": found, "kept_step": kept}

    none: dict[str, Any] = {}
    variants = {
        "plain": none,
        "sgd-averaged": {
            "ema": {"decay": 0},
            "average": {"first_epoch": 2},
            "optimizer": {"name": "sgd", "lr": 0.05},
            "sampler": {"name": "class-balanced"},
        },
        "plateau": {"schedule": {"name": "plateau", "patience": 0, "gamma": 0.1}},
        "bf16-grouped": {"runtime": {"precision": "bf16"}, "sampler": {"name": "grouped"}},
    }
    for name, tables in variants.items():
        results[name] = {"codes": [train(root / name, tables)]}
    workers = {"loop": {"workers": 2}}
    results["workers"] = {
        "codes": [train(root / "workers", workers)],
        "differences": differences(root / "workers", root / "plain"),
    }
    for step in KILLED_STEPS:
        scenario(f"kill-{step}", "plain", none, {"objective": dying_at(step, signal.SIGKILL)})
    for name in ("sgd-averaged", "bf16-grouped", "plateau"):
        scenario(f"{name}-kill-11", name, variants[name], {"objective": dying_at(11, signal.SIGKILL)})
    scenario("workers-kill-8", "plain", workers, {"objective": dying_at(8, signal.SIGKILL)})
    for reading in (1, 4):
        preprocess = DyingMapping(DESCRIPTION.preprocess)
        preprocess.readings_left = reading
        dying = replace(DESCRIPTION, preprocess=preprocess)
        scenario(f"kill-in-checkpoint-{reading}", "plain", none, {"description": dying})
    scenario("sigterm-5", "plain", none, {"objective": dying_at(5, signal.SIGTERM)})
    scenario("sigint-7", "plain", none, {"objective": dying_at(7, signal.SIGINT)})
    results["adversarial"] = {"codes": [train(root / "adversarial", none, adversarial_task)]}
    for step in (4, 8):
        for phase in ("generator", "critic"):
            dying_adversary = {"objective": partial(DyingAdversary, step, phase)}
            scenario(f"{phase}-kill-{step}", "adversarial", none, dying_adversary, adversarial_task)
    frozen = partial(frozen_task, save_host(root / "host"))
    results["frozen"] = {"codes": [train(root / "frozen", none, frozen)]}
    scenario("frozen-kill-8", "frozen", none, {"objective": dying_at(8, signal.SIGKILL)}, frozen)
    group = dying_at(4, signal.SIGTERM, group=True)
    scenario("sigterm-group-4", "plain", workers, {"objective": group})
    return results


if __name__ == "__main__":
    torch.set_num_threads(1)
    Path(sys.argv[2]).write_text(json.dumps(main(Path(sys.argv[1]))))
