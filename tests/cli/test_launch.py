"""Training by `accelerate launch`: two processes share one cache, speak once, and learn as one does."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from avtool.cli.main import run
from avtool.training.metrics_log import read_metrics
from tests.harness import environment, prepare_tones
from tests.queried_films import write_queried

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


NODES = {
    "torchrun": [
        "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1", "--node-rank", "{rank}",
        "--master-addr", "127.0.0.1", "--master-port", "{port}",
    ],
    "accelerate": [
        "-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "2", "--num_processes", "2",
        "--machine_rank", "{rank}", "--main_process_ip", "127.0.0.1", "--main_process_port", "{port}",
    ],
}  # fmt: skip


@pytest.mark.parametrize("launcher", NODES)
def test_two_nodes_learn_as_one_process_with_the_doubled_batch(launcher, dataset, cache, tmp_path):
    """Two launches that meet at an address, as the two nodes of a SLURM job do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    one, two = tmp_path / "one", tmp_path / "two"
    words = ["finetune", str(dataset), *PLAIN, *QUICK, "--device", "cpu"]
    nodes = [
        subprocess.Popen(
            [
                sys.executable, *(part.format(rank=rank, port=port) for part in NODES[launcher]),
                "-m", "avtool", *words, "--batch-size", "4", "--out", str(two),
            ],
            env=environment(GLOO_SOCKET_IFNAME="lo"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    printed = [node.communicate(timeout=280)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], printed
    assert f"{two}\n" in printed[0]
    assert f"{two}\n" not in printed[1]
    assert run([*words, "--batch-size", "8", "--out", str(one), "-q"]) == 0
    ours, theirs = read_metrics(one / "metrics.jsonl"), read_metrics(two / "metrics.jsonl")
    assert len(ours) == len(theirs) == 6
    for alone, together in zip(ours, theirs, strict=True):
        assert alone == pytest.approx(together, abs=1e-5)


def test_two_processes_localize_as_one(cache, tmp_path):
    table = write_queried(tmp_path / "films", train=2)
    one, two = tmp_path / "one", tmp_path / "two"
    settings = {
        "model.arguments": "{ dropout = 0.0, head_dropout = 0.0 }",
        "data.window": "16",
        "loop.max_steps": "4",
        "loop.log_every": "1",
        "loop.workers": "0",
        "loop.tensorboard": "false",
    }
    words = [
        "localize", "train", str(table), "--index", str(table.parent / "index"), "--model", "minotaur_tiny",
        "--text-encoder", str(table.parent / "text"), "--device", "cpu", "--precision", "fp32",
        "--no-progress", *(word for key, value in settings.items() for word in ("--set", f"{key}={value}")),
    ]  # fmt: skip
    launched = subprocess.run(
        [sys.executable, *LAUNCH, "-m", "avtool", *words, "--batch-size", "2", "--out", str(two)],
        check=True, timeout=180, capture_output=True, text=True,
    )  # fmt: skip
    assert "2 processes (MULTI_CPU)" in launched.stderr
    assert run([*words, "--batch-size", "4", "--out", str(one), "-q"]) == 0
    ours, theirs = (
        [line["loss"] for line in read_metrics(folder / "metrics.jsonl") if line["split"] == "train"]
        for folder in (one, two)
    )
    assert len(ours) == 4
    assert theirs == pytest.approx(ours, rel=1e-4)
