"""A disk that fills ends a command in one line and exit code 2, and the same command completes it later."""

import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.harness import AVTOOL, REPOSITORY, write_sine

LIMITS_KB = (0, 2, 40)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for label in ("dog", "cat"):
        for number in range(2):
            write_sine(folder / label / f"{number}.wav", 1.0)
    return folder


def start(arguments: Sequence[object], limit_kb: int | None = None, stdout: str = "") -> tuple[int, str]:
    """Runs a command whose files may not be larger than a limit, as on a disk that fills."""

    def bound() -> None:
        if limit_kb is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * limit_kb, 1024 * limit_kb))

    with open(stdout or "/dev/null", "w") as out:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*AVTOOL, *map(str, arguments)],
            preexec_fn=bound,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            check=False,
        )
    return done.returncode, done.stderr


def commands(sounds: Path, out: Path) -> dict[str, list[object]]:
    return {
        "prepare": ["prepare", sounds, "--reencode", "--out", out],
        "moving-sources": ["moving-sources", sounds, "--count", 3, "--out", out],
        "finetune": ["finetune", sounds.parent / "data", "--model", "cnn_tiny", "--epochs", 2, "--out", out],
        "recipes": ["recipes", "copy", "finetune/demo-cnn", out],
    }


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["prepare", "moving-sources", "finetune", "recipes"])
def test_a_full_disk_is_one_line_and_resumable(sounds: Path, tmp_path: Path, verb: str) -> None:
    if verb == "finetune" and not (sounds.parent / "data").exists():
        assert start(["prepare", sounds, "--out", sounds.parent / "data"])[0] == 0
    command = [*commands(sounds, tmp_path / "out")[verb], "-q"]
    refused = 0
    for limit in LIMITS_KB:
        code, said = start(command, limit)
        assert code in {0, 2}, said
        assert "Traceback" not in said
        if code == 0:
            break
        assert "cannot write" in said
        assert not (tmp_path / "out").exists()
        refused += 1
    assert refused
    if code:
        assert start(command)[0] == 0
    assert (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["recipes", "list"], ["recipes", "list", "--json"], ["--help"]])
def test_a_full_disk_behind_stdout(arguments: list[str]) -> None:
    code, said = start(arguments, stdout="/dev/full")
    assert code == 2
    assert said.startswith("error: cannot write")
    assert "Traceback" not in said
