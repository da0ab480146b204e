"""The batch scripts of SLURM, with a cluster of one machine in the place of it: a node is a process group."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from avtool.training.metrics_log import read_metrics
from tests.harness import REPOSITORY, environment, prepare_tones, run_avtool

pytestmark = pytest.mark.slow
SCRIPTS = REPOSITORY / "recipes" / "slurm"
SRUN = """#!{python}
# Starts a process a node; the loss of a node, which no process of it survives, ends the step.
import os, signal, subprocess, sys, time
import psutil
words = [word for word in sys.argv[1:] if word != "--kill-on-bad-exit=0"]
nodes = []
for rank in range(int(os.environ["SLURM_NNODES"])):
    own = {{"SLURM_NODEID": str(rank), "SLURM_PROCID": str(rank)}}
    nodes.append(subprocess.Popen(words, start_new_session=True, env={{**os.environ, **own}}))
    open(f"{{os.environ['CLUSTER']}}/node{{rank}}", "w").write(str(nodes[-1].pid))
signal.signal(signal.SIGTERM, lambda *_: [node.terminate() for node in nodes])
while None in (ends := [node.poll() for node in nodes]):
    if -signal.SIGKILL in ends:
        for node in nodes:
            if node.poll() is None:
                for process in (*psutil.Process(node.pid).children(recursive=True), node):
                    process.kill()
    time.sleep(0.05)
sys.exit(max(abs(node.returncode) for node in nodes))
"""
SCONTROL = """#!/bin/bash
if [[ $1 == show ]]; then echo 127.0.0.1; else echo "$@" >> "$CLUSTER/requeued"; fi
"""


@pytest.fixture
def variables(tmp_path) -> dict[str, str]:
    """The environment of a job on two nodes, of two tasks of an array."""
    programs = tmp_path / "bin"
    programs.mkdir()
    run = f'#!/bin/bash\nexec {sys.executable} -m {{}} "$@"\n'
    for name, text in {
        "srun": SRUN.format(python=sys.executable), "scontrol": SCONTROL, "avtool": run.format("avtool"),
        "torchrun": run.format("torch.distributed.run"),
    }.items():  # fmt: skip
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return environment(
        PATH=f"{programs}:{os.environ['PATH']}", CLUSTER=str(tmp_path), SLURM_JOB_ID=str(os.getpid()),
        SLURM_JOB_NODELIST="node[0-1]", SLURM_NNODES="2", AVTOOL_PROCESSES="1", SLURM_CPUS_PER_TASK="1",
        GLOO_SOCKET_IFNAME="lo", PET_LOCAL_ADDR="127.0.0.1",
    )  # fmt: skip


def submit(script: str, words: list[object], variables: dict[str, str]) -> subprocess.Popen[str]:
    command = ["bash", str(SCRIPTS / script), *map(str, words)]
    return subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_for(job: subprocess.Popen[str], ready: Callable[[], bool], seconds: float = 500) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert job.poll() is None, job.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.05)


def lose_node(record: Path) -> None:
    """Kills a node's processes; those of the agent have sessions of their own."""
    agent = psutil.Process(int(record.read_text()))
    for process in (*agent.children(recursive=True), agent):
        process.kill()


def test_bad_input_ends_the_job_before_any_process_is_started(cache, tmp_path, variables):
    words = ["finetune", prepare_tones(tmp_path), "--model", "ast_tiny", "--out", tmp_path / "out"]
    for wrong, message in (
        (["--set", "optimizer.lr=fast"], "optimizer.lr"),
        (["--init", tmp_path / "none"], "none"),
        (["--set", "data.val_split=dev"], "no split `dev`"),
    ):
        job = submit("train.sbatch", [*words, *wrong], variables)
        printed, _ = job.communicate(timeout=120)
        assert job.returncode == 2, printed
        assert message in printed.splitlines()[0]
        assert len(printed.splitlines()) <= 2, printed
        assert not (tmp_path / "node0").exists()


def test_a_training_survives_its_time_limit_a_dead_process_and_a_lost_node(cache, tmp_path, variables):
    data, out = prepare_tones(tmp_path), tmp_path / "out"
    plain = ["augment.mixup=none", "augment.frequency_mask=0", "augment.time_mask=0", "loop.log_every=1"]
    plain += ["data.audio.num_mel_bins=64", "loop.tensorboard=false"]
    plain += ["loop.checkpoint_every='2 steps'", "loop.validate_every='150 epochs'"]
    words = ["finetune", data, "--model", "ast_tiny", "--epochs", 150, "--workers", 0, "--device", "cpu"]
    words += ["--no-progress", *(word for key in plain for word in ("--set", key))]

    def steps() -> int:
        log = tmp_path / "out.partial" / "metrics.jsonl"
        return sum(line["split"] == "train" for line in read_metrics(log)) if log.is_file() else 0

    def begin() -> tuple[subprocess.Popen[str], int]:
        before = steps()
        job = submit("train.sbatch", [*words, "--batch-size", 4, "--out", out], variables)
        wait_for(job, lambda: steps() >= before + 4)
        return job, before

    job, _ = begin()
    job.send_signal(signal.SIGUSR1)
    printed, _ = job.communicate(timeout=120)
    assert job.returncode == 0, printed
    assert (tmp_path / "requeued").read_text() == f"requeue {os.getpid()}\n", printed
    assert "the same command resumes" in printed

    job, before = begin()
    assert before >= 4
    lose_node(tmp_path / "node1")
    printed, _ = job.communicate(timeout=120)
    assert job.returncode != 0, printed

    job, before = begin()
    assert before >= 8
    psutil.Process(int((tmp_path / "node0").read_text())).children()[0].kill()
    printed, _ = job.communicate(timeout=300)
    assert job.returncode == 0, printed
    assert run_avtool(*words, "--batch-size", 8, "--out", tmp_path / "whole", "-q").code == 0
    ours, theirs = read_metrics(out / "metrics.jsonl"), read_metrics(tmp_path / "whole" / "metrics.jsonl")
    assert len(ours) == len(theirs) > 300 - 1
    for broken, whole in zip(ours, theirs, strict=True):
        assert broken == pytest.approx(whole, abs=1e-5)
