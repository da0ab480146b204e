"""Trainings that are killed in a step and run again by the same command line, beside undisturbed ones.

A script: the parent imports torch once, and each command line runs in a forked child.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import accelerate  # noqa: F401
import torch
import torch._dynamo  # slow to import: once here, and not in every child

from avtool.cli.main import run
from avtool.core.artifact_folder import partial_folder
from avtool.training.update import Updater
from tests.harness import differences, in_child

KILLED_UPDATE = 4


def train(words: Sequence[str], folder: Path, *, dying: bool = False) -> int:
    """Runs a training in a child process, which writes `folder/run`; its exit code."""

    def work() -> None:
        if dying:
            die_in_update(KILLED_UPDATE)
        folder.mkdir(parents=True, exist_ok=True)
        os.chdir(folder)
        sys.exit(run([*words, "--out", "run", "--no-progress"]))

    return in_child(work)


def die_in_update(number: int) -> None:
    """Lets this process be killed when an update, counted from 0, has gradients that are not used yet."""
    update, numbers = Updater.update, count()

    def dying(self: Updater, moving: Sequence[str]) -> dict[str, torch.Tensor]:
        if next(numbers) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return update(self, moving)

    Updater.update = dying  # type: ignore[method-assign]


def disturbed(name: str, words: Sequence[str], root: Path) -> dict[str, Any]:
    """Exit codes of the undisturbed, killed and resumed run, the checkpoints a kill left, what differs."""
    whole, broken = root / name / "whole", root / name / "broken"
    codes = [train(words, whole), train(words, broken, dying=True)]
    left = sorted(path.name for path in partial_folder(broken / "run").glob("checkpoints/step-*"))
    codes.append(train(words, broken))
    return {"codes": codes, "left": left, "differences": differences(broken / "run", whole / "run")}


if __name__ == "__main__":  # arguments: FOLDER, the file of command lines by name, the file to write
    torch.set_num_threads(1)
    folder, given, results = map(Path, sys.argv[1:])
    lines = json.loads(given.read_text())
    results.write_text(json.dumps({name: disturbed(name, words, folder) for name, words in lines.items()}))
