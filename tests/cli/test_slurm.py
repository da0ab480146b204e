"""The batch script of SLURM, run as its tasks would be."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.harness import (
    REPOSITORY,
    differences,
    environment,
    run_avtool,
    save_tagger,
    write_sine,
)

pytestmark = pytest.mark.slow
SCRIPTS = REPOSITORY / "recipes" / "slurm"
SCONTROL = '#!/bin/bash\necho "$@" >> "$CLUSTER/requeued"\n'


@pytest.fixture
def variables(tmp_path) -> dict[str, str]:
    """The environment of a task of an array."""
    programs = tmp_path / "bin"
    programs.mkdir()
    run = f'#!/bin/bash\nexec {sys.executable} -m avtool "$@"\n'
    for name, text in (("scontrol", SCONTROL), ("avtool", run)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    own = {"SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "1", "SLURM_ARRAY_TASK_COUNT": "2"}
    return environment(PATH=path, CLUSTER=str(tmp_path), OUT=str(tmp_path / "part"), **own)


def submit(script: str, words: list[object], variables: dict[str, str]) -> subprocess.Popen[str]:
    command = ["bash", str(SCRIPTS / script), *map(str, words)]
    return subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_an_array_of_shards_is_merged_to_the_result_of_one_machine(cache, tmp_path, variables):
    for number in range(4):
        write_sine(tmp_path / "media" / f"{number}.wav", 0.5 + number / 10)
    words = ["predict", tmp_path / "media", "--model", save_tagger(tmp_path / "model"), "--device", "cpu"]
    assert run_avtool(*words, "--out", tmp_path / "whole", "-q").code == 0
    stopped = submit("shards.sbatch", words, {**variables, "SLURM_ARRAY_TASK_ID": "1"})
    time.sleep(2)
    stopped.send_signal(signal.SIGUSR1)  # a minute before the time limit
    printed, _ = stopped.communicate(timeout=240)
    assert stopped.returncode == 0, printed
    assert (tmp_path / "requeued").read_text() == "requeue 7\n"
    for task in ("1", "2"):
        job = submit("shards.sbatch", words, {**variables, "SLURM_ARRAY_TASK_ID": task})
        printed, _ = job.communicate(timeout=240)
        assert job.returncode == 0, printed
    merge = ["merge", tmp_path / "part-1", tmp_path / "part-2", "--out", tmp_path / "merged", "-q"]
    assert run_avtool(*merge).code == 0
    assert differences(tmp_path / "merged", tmp_path / "whole") == []
