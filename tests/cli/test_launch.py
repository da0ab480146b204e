"""Training by `accelerate launch`: two processes share one cache, speak once, and learn as one does."""

import subprocess
import sys
from pathlib import Path

import pytest

from avtool.cli.main import run
from avtool.training.metrics_log import read_metrics
from tests.harness import prepare_tones

pytestmark = pytest.mark.slow
RATE, SECONDS = 16000, 0.6
PITCH = {"low": 300.0, "high": 3000.0}
# what is drawn for a batch depends on the process, so that nothing is drawn here
PLAIN = [
    "--model",
    "ast_tiny",
    "--set",
    "data.audio.num_mel_bins=64",
    "--set",
    "augment.mixup=none",
    "--set",
    "augment.frequency_mask=0",
    "--set",
    "augment.time_mask=0",
]
QUICK = ["--epochs", "2", "--workers", "0", "--device", "cpu", "--no-progress", "--set", "loop.log_every=1"]
LAUNCH = [
    "-m",
    "accelerate.commands.launch",
    "--multi_gpu",
    "--num_processes",
    "2",
    "--main_process_port",
    "0",
]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Low and high tones: 16 to learn from, 4 to validate on."""
    return prepare_tones(tmp_path)


def test_two_processes_learn_as_one_with_the_doubled_batch(dataset, cache, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    words = ["finetune", str(dataset), *PLAIN, *QUICK]
    launched = subprocess.run(
        [sys.executable, *LAUNCH, "-m", "avtool", *words, "--batch-size", "4", "--out", str(two)],
        check=True, timeout=180, capture_output=True, text=True,
    )  # fmt: skip
    features = sorted(path.name for path in cache.glob("features-*"))
    assert len(features) == 2, "the training clips and the validation clips, each once"
    assert launched.stdout.count(f"{two}\n") == 1
    assert "2 processes (MULTI_CPU)" in launched.stderr

    assert run([*words, "--batch-size", "8", "--out", str(one), "-q"]) == 0
    assert sorted(path.name for path in cache.glob("features-*")) == features
    ours, theirs = read_metrics(one / "metrics.jsonl"), read_metrics(two / "metrics.jsonl")
    assert len(ours) == len(theirs) == 6
    for alone, together in zip(ours, theirs, strict=True):
        assert alone == pytest.approx(together, abs=1e-5)
