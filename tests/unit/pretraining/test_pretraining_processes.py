"""Two processes learn as one with the doubled batch: the contrast is among the clips of both."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from clips_for_pretraining import write_films

from avtool.training.metrics_log import read_metrics

SETTINGS = ["--preset", "tiny", "--seconds", "1.28", "--mel-bins", "32", "--frames", "4", "--max-steps", "3"]
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
def test_two_processes_equal_one_with_the_doubled_batch(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films", 8, seconds=2.0)
    environment = {**os.environ, "AVTOOL_CACHE_DIR": str(tmp_path / "cache"), "ACCELERATE_USE_CPU": "true"}
    launchers = {"one": ["-m", "avtool"], "two": ["-m", "torch.distributed.run", "--standalone"]}
    launchers["two"] += ["--nproc-per-node", "2", "-m", "avtool"]
    for name, batch in (("one", "4"), ("two", "2")):
        command = [
            "pretrain",
            "mavil",
            str(films),
            *SETTINGS,
            "--batch-size",
            batch,
            "--out",
            tmp_path / name,
        ]
        subprocess.run([sys.executable, *launchers[name], *command], check=True, timeout=600, env=environment)
    ours, theirs = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("one", "two"))
    assert len(ours) == 3
    for one, two in zip(ours, theirs, strict=True):
        assert one == pytest.approx(two, abs=1e-5)
