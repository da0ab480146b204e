"""Two processes learn as one with the doubled batch: an autoencoder of videos, and noise in latents."""

from pathlib import Path

import pytest
import torch

from avtool.training.metrics_log import read_metrics
from tests.harness import run_avtool, run_two, write_video_clips
from tests.unit.objectives.diffusion_processes import build, latents, loss_of

torch.set_num_threads(1)
SETTINGS = (
    "--recipe", "generate/autoencoder-tiny", "--size", 32, "--frames", 4, "--max-steps", 3,
    "--set", "loss.perceptual=0", "--set", "loop.log_every=1", "--set", "loop.tensorboard=false",
    "--workers", 0, "--device", "cpu", "--precision", "fp32", "-q",
)  # fmt: skip


@pytest.mark.slow
def test_an_autoencoder_of_two_processes_is_that_of_one(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the error of pixels: the frame that perception looks at is drawn in each process."""
    films = write_video_clips(tmp_path / "films", 8, seconds=1.0)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    words = ["generate", "train-autoencoder", films, *SETTINGS]
    assert run_avtool(*words, "--batch-size", 4, "--out", tmp_path / "one").code == 0
    run_two("avtool", *words, "--batch-size", 2, "--out", tmp_path / "two", timeout=600)
    ours, theirs = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("one", "two"))
    assert len(ours) == len(theirs) >= 3
    for one, two in zip(ours, theirs, strict=True):
        logged = [
            {name: value for name, value in line.items() if name != "perceptual"} for line in (one, two)
        ]
        assert logged[0] == pytest.approx(logged[1], abs=1e-5)


def test_gradients_of_the_noise_are_those_of_one_process(tmp_path: Path) -> None:
    run_two("tests.unit.objectives.diffusion_processes", tmp_path / "grads.pt")
    of_two = torch.load(tmp_path / "grads.pt", weights_only=True)
    net = build()
    loss_of(net, latents(4)).backward()
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(of_two[name], parameter.grad, rtol=1e-4, atol=1e-6, msg=name)
