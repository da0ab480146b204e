"""Fréchet distances in the validations of `avtool generate`: which checkpoint is kept, what is reported."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.core.reporter import Silent
from avtool.evaluation.metrics.frechet import FeatureMoments, frechet_distance
from avtool.inference.generation.video_features import EncoderNetwork
from avtool.models.load import load_model
from avtool.tasks.generation.distances import held_out_clips
from avtool.tasks.generation.recipe import VideosRecipe
from avtool.tasks.generation.videos import TrainingVideos
from tests.harness import run_avtool, save_autoencoder, save_encoder, write_video_clips
from tests.parity.test_lpips import vgg, write_weights

QUICK = (
    "--device",
    "cpu",
    "--precision",
    "fp32",
    "--no-progress",
    "--json",
    "--set",
    "loop.tensorboard=false",
)
SMALL = ("--recipe", "generate/autoencoder-tiny", "--size", 32, "--frames", 4)


class Scores(torch.nn.Module):
    """A stand-in for a classifier of clips."""

    def forward(self, video: torch.Tensor) -> torch.Tensor:
        return video.float().mean(dim=(2, 3, 4))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video_clips(tmp_path_factory.mktemp("films") / "d", 5, seconds=1.5, val=3)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("encoder") / "e", "avt_tiny")


def validations(run: Path) -> list[dict]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["split"] == "val"]


def test_stage_two_keeps_the_step_of_the_least_distance(
    films: Path, encoder: Path, cache: Path, tmp_path: Path
) -> None:
    done = run_avtool(
        "generate", "train-autoencoder", films, *SMALL, "--stage", 2, "--init",
        save_autoencoder(tmp_path / "start"), "--set", "loss.widths=[8,16]", "--fvd-encoder", encoder,
        "--max-steps", 6, "--lr", 0.02, "--batch-size", 2, "--set", 'loop.validate_every="1 step"',
        "--set", 'loop.final="best"', *QUICK, "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    found = validations(tmp_path / "run")
    assert len(found) == 6
    distances = [line["r_fvd_own"] for line in found]
    assert len(set(distances)) == 3, "the autoencoder moves in every other step"
    assert done.json["result"]["metrics"]["r_fvd_own"] == min(distances)
    assert "clips for" in done.stderr, "few clips give a biased distance, and the run reports it"
    clips = held_out_clips(TrainingVideos(films, VideosRecipe(), 0).decode((32, 32), 4, Silent())[1], 4, 128)
    network, model = EncoderNetwork(encoder, "cpu", Silent()), load_model(tmp_path / "run").model
    with torch.no_grad():
        video = torch.from_numpy(np.stack(clips)).permute(0, 4, 1, 2, 3).float() / 127.5 - 1
        restored = ((model(video) + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 4, 1).numpy()
    moments = [FeatureMoments.of(network(list(side))) for side in (clips, restored)]
    assert min(distances) == pytest.approx(frechet_distance(*moments), rel=1e-3)


def test_diffusion_reports_fvd_and_inception_score(
    films: Path, encoder: Path, cache: Path, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(Scores()).save(str(tmp_path / "scores.pt"))
    done = run_avtool(
        "generate", "train", films, "--recipe", "generate/diffusion-tiny", "--autoencoder",
        save_autoencoder(tmp_path / "ae"), "--fvd-encoder", encoder, "--set", "distance.clips=4",
        "--set", "distance.steps=2", "--set", f'distance.is_weights="{tmp_path / "scores.pt"}"',
        "--max-steps", 2, "--batch-size", 4, *QUICK, "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    metrics = done.json["result"]["metrics"]
    assert metrics["fvd_own"] > 0
    assert 1 <= metrics["is"] <= 3
    assert metrics["loss"] > 0


def test_lpips_takes_the_place_of_the_stand_in(films: Path, cache: Path, tmp_path: Path) -> None:
    files = write_weights(tmp_path, vgg())
    words = ("generate", "train-autoencoder", films, *SMALL, "--max-steps", 1, "--batch-size", 2, *QUICK)
    done = run_avtool(*words, "--lpips", files[2], "--out", tmp_path / "run")
    assert done.code == 0, done.stderr
    assert "perceptual distance: LPIPS" in done.stderr
    assert "in the place of" not in done.stderr
    state = list((tmp_path / "run").rglob("*.safetensors"))
    assert max(file.stat().st_size for file in state) < 8 << 20, "VGG16 is in no checkpoint"
    bad = run_avtool(*words, "--lpips", files[0], "--out", tmp_path / "bad")
    assert bad.code == 2
    assert "heads of LPIPS are missing" in bad.stderr
    both = run_avtool(*words, "--fvd-encoder", "a", "--fvd-weights", "b", "--out", tmp_path / "both")
    assert both.code == 2
    assert "their distances differ" in both.stderr


def test_a_distance_needs_held_out_videos(encoder: Path, cache: Path, tmp_path: Path) -> None:
    films = write_video_clips(tmp_path / "all", 2, seconds=1.0)
    out = tmp_path / "run"
    done = run_avtool(
        "generate", "train-autoencoder", films, *SMALL, "--fvd-encoder", encoder, *QUICK, "--out", out
    )
    assert done.code == 2
    assert "--fvd-encoder and --fvd-weights measure held-out videos, and there are none" in done.stderr
    assert not out.exists()
