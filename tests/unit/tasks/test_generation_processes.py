"""Two processes learn as one with the doubled batch: both stages of the autoencoder, and noise in latents."""

from pathlib import Path
from typing import Any

import pytest
import torch

from avtool.training.metrics_log import read_metrics
from tests.harness import run_avtool, run_two, save_autoencoder, write_video_clips
from tests.unit.objectives import adversarial_processes, diffusion_processes
from tests.unit.objectives.shared_batch import check_gradients

torch.set_num_threads(1)
COMMON = (
    "--max-steps", 4, "--set", "loop.log_every=1", "--set", "loop.tensorboard=false",
    "--workers", 0, "--device", "cpu", "--precision", "fp32", "-q",
)  # fmt: skip
CLIPS = ("train-autoencoder", "--recipe", "generate/autoencoder-tiny", "--size", 32, "--frames", 4)
LATENTS = ("train", "--recipe", "generate/diffusion-tiny", "--latent-cache", 2, "--cond-prob", 0.5)
TRAININGS: dict[str, tuple[Any, ...]] = {
    "stage 1": CLIPS,
    "stage 2": (*CLIPS, "--stage", 2, "--init", "{autoencoder}", "--set", "loss.widths=[8,16]"),
    "diffusion": (*LATENTS, "--autoencoder", "{autoencoder}"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_of_two_processes_is_that_of_one(
    name: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every term of the loss, the norm of gradients and the scores of validation, in each step."""
    films = write_video_clips(tmp_path / "films", 10, seconds=1.0, val=2)
    autoencoder = save_autoencoder(tmp_path / "autoencoder")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    verb, *options = (str(word).format(autoencoder=autoencoder) for word in TRAININGS[name])
    words = ["generate", verb, films, *options, *COMMON]
    assert run_avtool(*words, "--batch-size", 4, "--out", tmp_path / "one").code == 0
    run_two("avtool", *words, "--batch-size", 2, "--out", tmp_path / "two", timeout=600)
    ours, theirs = (read_metrics(tmp_path / folder / "metrics.jsonl") for folder in ("one", "two"))
    assert len(ours) == len(theirs) >= 4
    for one, two in zip(ours, theirs, strict=True):
        assert one.keys() == two.keys()
        for term in one.keys() - {"split"}:
            near = 1e-4 if "grad_norm" in term else 1e-5
            assert one[term] == pytest.approx(two[term], abs=near, rel=near), term


def test_gradients_of_the_noise_are_those_of_one_process(tmp_path: Path) -> None:
    run_two("tests.unit.objectives.diffusion_processes", tmp_path / "grads.pt")
    net, batch = diffusion_processes.build(), diffusion_processes.latents(4)
    check_gradients(tmp_path / "grads.pt", net, diffusion_processes.loss_of, batch)


def test_batch_norms_and_gradients_of_discriminators_are_those_of_one_process(tmp_path: Path) -> None:
    run_two("tests.unit.objectives.adversarial_processes", tmp_path)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    expected = adversarial_processes.learn(*adversarial_processes.build(), adversarial_processes.clips())
    assert set(expected) == set(first["learned"])
    for name, value in expected.items():
        for of_two in (first, second):
            torch.testing.assert_close(of_two["learned"][name], value, rtol=1e-6, atol=1e-9, msg=name)

    norm = torch.nn.BatchNorm2d(5)
    plain = adversarial_processes.normalize(norm, adversarial_processes.maps())
    for name in ("outputs", "given"):
        halves = torch.cat([first["normed"][name], second["normed"][name]])
        torch.testing.assert_close(halves, plain[name], rtol=1e-5, atol=1e-5, msg=name)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        torch.testing.assert_close(first["normed"][name], plain[name], rtol=1e-5, atol=1e-5, msg=name)
        assert torch.equal(first["normed"][name], second["normed"][name])
    for name in ("weight", "bias"):
        summed = first["normed"][name] + second["normed"][name]
        torch.testing.assert_close(summed, plain[name], rtol=1e-4, atol=1e-4, msg=name)
