"""SIGTERM in each training of `avtool generate`: a checkpoint, exit code 143, the same bytes at the end."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from avtool.core.artifact_folder import partial_folder
from avtool.training.metrics_log import read_metrics
from tests.harness import AVTOOL, differences, environment, save_autoencoder, write_video_clips

COMMON = (
    "--max-steps", 80, "--batch-size", 2, "--set", "loop.log_every=1", "--set", "loop.tensorboard=false",
    "--set", 'loop.checkpoint_every="never"', "--workers", 0, "--device", "cpu", "--precision", "fp32",
    "--no-progress", "--out", "run",
)  # fmt: skip
CLIPS = ("train-autoencoder", "{films}", "--recipe", "generate/autoencoder-tiny", "--size", 32, "--frames", 4)
TRAININGS: dict[str, tuple[Any, ...]] = {
    "stage 1": CLIPS,
    "stage 2": (*CLIPS, "--stage", 2, "--init", "{autoencoder}", "--set", "loss.widths=[8,16]"),
    "diffusion": (
        "train", "{films}", "--recipe", "generate/diffusion-tiny", "--autoencoder", "{autoencoder}",
        "--latent-cache", 2,
    ),
}  # fmt: skip
STEPS_BEFORE = 5


def start(words: list[str], folder: Path) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [*AVTOOL, *words], cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True
    )


def wait_for_steps(log: Path, process: subprocess.Popen[str], seconds: float = 300) -> None:
    """Until the log has some lines, of training or validation; the process still runs."""
    end = time.monotonic() + seconds
    while not log.is_file() or log.read_bytes().count(b"\n") < STEPS_BEFORE:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_a_terminated_training_resumes_to_the_same_bytes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    places = {
        "films": write_video_clips(tmp_path / "films", 6, seconds=1.0, val=1),
        "autoencoder": save_autoencoder(tmp_path / "autoencoder"),
    }
    words = ["generate", *(str(word).format(**places) for word in (*TRAININGS[name], *COMMON))]
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    unfinished = partial_folder(broken / "run")
    process = start(words, broken)
    wait_for_steps(unfinished / "metrics.jsonl", process)
    os.kill(process.pid, signal.SIGTERM)
    stderr = process.communicate(timeout=300)[1]
    assert process.returncode == 143, stderr
    assert "the same command resumes from there" in stderr
    steps = read_metrics(unfinished / "metrics.jsonl")[-1]["step"]
    (checkpoint,) = (unfinished / "checkpoints").glob("step-*")
    assert STEPS_BEFORE <= steps < 80
    assert checkpoint.name == f"step-{steps:06d}"
    for folder in (broken, whole):
        done = start(words, folder)
        stderr = done.communicate(timeout=600)[1]
        assert done.returncode == 0, stderr
        assert (f"resumed at step {steps} of 80" in stderr) == (folder == broken)
    assert differences(broken / "run", whole / "run") == []
