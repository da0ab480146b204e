"""Two processes learn as one with the doubled batch: the contrast is among the clips of both."""

from pathlib import Path

import pytest

from avtool.cli.main import run
from avtool.training.metrics_log import read_metrics
from tests.harness import run_two, write_video_clips

SETTINGS = [
    "--preset",
    "tiny",
    "--seconds",
    "1.28",
    "--set",
    "data.audio.num_mel_bins=32",
    "--frames",
    "4",
    "--max-steps",
    "3",
]
SETTINGS += [
    "--set",
    "data.video.seconds=1",
    "--set",
    "data.video.size=32",
    "--set",
    "data.video.short_side=36",
]
SETTINGS += ["--set", "loop.log_every=1", "--workers", "0", "--device", "cpu", "--precision", "fp32", "-q"]


@pytest.mark.slow
def test_two_processes_equal_one_with_the_doubled_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = write_video_clips(tmp_path / "films", 8, seconds=2.0)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    words = ["pretrain", "mavil", str(films), *SETTINGS]
    assert run([*words, "--batch-size", "4", "--out", str(tmp_path / "one")]) == 0
    run_two("avtool", *words, "--batch-size", "2", "--out", tmp_path / "two", timeout=600)
    ours, theirs = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("one", "two"))
    assert len(ours) == 3
    for one, two in zip(ours, theirs, strict=True):
        assert one == pytest.approx(two, abs=1e-5)
