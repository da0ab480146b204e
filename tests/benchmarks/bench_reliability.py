"""Trials of loss: two writers, kill -9, a full disk, files of others.

Each trial redoes a finished artifact with files of the user in it, disturbs the redo, looks at what stands
there, repeats the command undisturbed, and looks again. Lost is an artifact that is missing or damaged, or a
file of the user that is missing or changed.
"""

import argparse
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path

from avtool.cli.main import run
from avtool.core.artifact import verify
from avtool.core.errors import AvtoolError
from tests.harness import write_sine

FORK = multiprocessing.get_context("fork")
NOTES = {"notes.txt": "mine", "clips/mine.wav": "mine too", "deep/er/list.csv": "a,b\n"}


@dataclass
class Count:
    """Trials of a kind: how many, how many were disturbed, seconds of one command, and what was lost."""

    trials: int = 0
    disturbed: int = 0
    seconds: float = 0.0
    losses: list[str] = field(default_factory=list)


def command(verb: str, sounds: Path, out: Path) -> list[str]:
    """A command that makes the artifact again."""
    prepare = ["prepare", str(sounds), "--reencode"]
    data = str(sounds.parent / "data")
    train = ["finetune", data, "--model", "cnn_tiny", "--epochs", "3", "--device", "cpu"]
    return [*(prepare if verb == "prepare" else train), "--out", str(out), "-q", "--no-progress"]


def begin(arguments: list[str], limit: int | None = None) -> ForkProcess:
    """Starts a command in a forked process, with a limit of bytes a file where one is given."""
    process = FORK.Process(target=_run, args=(arguments, limit))
    process.start()
    return process


def _run(arguments: list[str], limit: int | None) -> None:
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    os._exit(run(arguments))


def end(process: ForkProcess) -> int | None:
    """Its exit code."""
    process.join()
    return process.exitcode


def look(out: Path, when: str, count: Count) -> None:
    """Notes what is lost."""
    try:
        problems = verify(out)
    except AvtoolError as error:
        problems = [error.message]
    for name, text in NOTES.items():
        path = out / name
        if not path.is_file() or path.read_text() != text:
            problems.append(f"{name} of the user is lost")
    count.losses += [f"{when}: {problem}" for problem in problems]


@contextmanager
def trial(verb: str, sounds: Path, count: Count) -> Iterator[tuple[list[str], Path]]:
    """A finished artifact with files of the user; looked at after the block, and after one more redo."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        arguments = command(verb, sounds, out)
        assert end(begin(arguments)) == 0
        for name, text in NOTES.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(text)
        count.trials += 1
        yield [*arguments, "--overwrite"], out
        look(out, "disturbed", count)
        if end(begin([*arguments, "--overwrite"])) != 0:
            count.losses.append("the redo failed")
        look(out, "redone", count)


def two_writers(verb: str, sounds: Path, count: Count, draw: random.Random) -> None:
    """Two processes at once: one may be refused, neither may harm the other."""
    with trial(verb, sounds, count) as (arguments, _):
        first = begin(arguments)
        time.sleep(draw.uniform(0, count.seconds))
        second = begin(arguments)
        codes = sorted([end(first) or 0, end(second) or 0])
        count.disturbed += codes == [0, 2]
        if codes not in ([0, 0], [0, 2]):
            count.losses.append(f"exit codes {codes}")


def killed(verb: str, sounds: Path, count: Count, draw: random.Random) -> None:
    """A process that is killed at any moment."""
    with trial(verb, sounds, count) as (arguments, _):
        process = begin(arguments)
        process.join(draw.uniform(0, 1.1 * count.seconds))
        count.disturbed += process.is_alive()
        process.kill()
        process.join()


def full_disk(verb: str, sounds: Path, count: Count, draw: random.Random) -> None:
    """A process whose files may not grow beyond a limit."""
    with trial(verb, sounds, count) as (arguments, _):
        if verb == "finetune":  # the limit would strike shared memory of the loader, which is no disk
            arguments = [*arguments, "--set", "loop.workers=0"]
        code = end(begin(arguments, limit=draw.choice([0, 500, 4000, 20_000, 60_000])))
        count.disturbed += code == 2
        if code not in {0, 2}:
            count.losses.append(f"exit code {code}")


def undisturbed(verb: str, sounds: Path, count: Count, draw: random.Random) -> None:
    """A redo alone: files of others stay."""
    with trial(verb, sounds, count) as (arguments, _):
        count.disturbed += end(begin(arguments)) == 0


KINDS: dict[str, Callable[[str, Path, Count, random.Random], None]] = {
    "two writers": two_writers,
    "kill -9": killed,
    "full disk": full_disk,
    "files of others": undisturbed,
}


def main() -> None:
    """Runs the trials and prints a row for each kind and command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--verbs", nargs="+", default=["prepare", "finetune"])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    given = parser.parse_args()
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        sounds = Path(folder) / "sounds"
        for label in ("dog", "cat"):
            for number in range(6):
                write_sine(sounds / label / f"{number}.wav", 1.0)
        assert run(["prepare", str(sounds), "--out", f"{folder}/data", "-q"]) == 0
        assert run(command("finetune", sounds, Path(folder) / "warm")) == 0  # whose imports the forks share
        print("| trial | command | trials | disturbed | losses |\n|---|---|---|---|---|")
        for kind in given.kinds:
            disturb = KINDS[kind]
            for verb in given.verbs:
                count = Count()
                for _ in range(given.trials):
                    disturb(verb, sounds, count, draw)
                numbers = f"{count.trials} | {count.disturbed} | {len(count.losses)}"
                print(f"| {kind} | {verb} | {numbers} |", *count.losses, sep="\n  ", flush=True)


if __name__ == "__main__":
    main()
