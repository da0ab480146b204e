"""`avtool eval --benchmark video-reconstruction` and `video-continuation`: models of videos on their data."""

from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.benchmarks.video_continuation.compare import _shift
from avtool.evaluation.metrics.generation import psnr
from avtool.inference.generation.generator import ASSET
from avtool.models.load import load_model
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from tests.harness import run_avtool, save_autoencoder, save_encoder, write_video_clips


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video_clips(tmp_path_factory.mktemp("films") / "d", 6, seconds=2.0, val=3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diffusion model with random weights."""
    folder = tmp_path_factory.mktemp("model") / "m"
    arguments = {"frames": 4, "rows": 4, "columns": 4}
    torch.manual_seed(0)
    network = create("pvdm_unet_tiny", **arguments)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.02 * torch.randn_like(value))
    asset = save_autoencoder(folder.parent / "asset")
    description = ModelDescription(
        "pvdm_unet_tiny", arguments, {"task": "video-diffusion"}, assets={ASSET: asset}
    )
    save_model(folder, network.state_dict(), description)
    return folder


def evaluate(name: str, *options: object):
    return run_avtool("eval", "--benchmark", name, "--device", "cpu", "--no-progress", "--json", *options)


def test_reconstructions_of_both_sides_beside_baselines(films: Path, cache: Path, tmp_path: Path) -> None:
    folder = save_autoencoder(tmp_path / "ae")
    encoder = save_encoder(tmp_path / "video", "avt_tiny")
    options = ("--data", films, "--autoencoder", folder, "--clips", 9)
    done = evaluate("video-reconstruction", *options, "--encoder", encoder)
    assert done.code == 0, done.stderr
    found = done.json["report"]["metrics"]
    assert found["protocol"]["numbers"] == 4 * (16 + 16 + 16)
    assert found["protocol"]["clips"] == {"training": 9, "held out": 9}
    methods = found["methods"]
    assert set(methods["ae"]) == {"training", "held out"}
    for values in methods.values():
        assert values["held out"]["r_fvd_own"] > 0
    own, training = methods["own mean frame"], methods["mean frame of the training"]
    assert own["held out"]["psnr"] > training["held out"]["psnr"]
    components = next(values for name, values in methods.items() if "components" in name)
    assert components["training"]["psnr"] > 30, "as many components as training clips span"
    assert "is no published R-FVD" in done.stderr


def test_the_score_of_reconstructions_is_that_of_the_network(
    films: Path, cache: Path, tmp_path: Path
) -> None:
    folder = save_autoencoder(tmp_path / "ae")
    done = evaluate(
        "video-reconstruction", "--data", films, "--autoencoder", folder, "--clips", 2, "--no-baselines"
    )
    assert done.code == 0, done.stderr
    network = load_model(folder).model
    (file, *_) = sorted(cache.rglob("*.npy"))
    assert len(done.json["report"]["metrics"]["methods"]) == 1
    values = []
    for path in sorted(cache.rglob("*.npy")):
        clip = np.load(path)[:4]
        video = torch.from_numpy(clip).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
        with torch.no_grad():
            restored = ((network(video)[0] + 1) * 127.5).round().clamp(0, 255).byte()
        values.append(float(psnr(clip[None], restored.permute(1, 2, 3, 0).numpy()[None])[0]))
    found = done.json["report"]["metrics"]["methods"]["ae"]["held out"]["psnr"]
    assert min(values) - 1 < found < max(values) + 1
    assert file.is_file()


def test_continuations_beside_what_is_none(films: Path, model: Path, cache: Path, tmp_path: Path) -> None:
    encoder = save_encoder(tmp_path / "video", "avt_tiny")
    options = ("--data", films, "--model", model, "--clips", 6, "--set", "sampling.next_steps=3")
    done = evaluate("video-continuation", *options, "--encoder", encoder)
    assert done.code == 0, done.stderr
    clips = done.json["report"]["metrics"]["clips"]
    assert set(clips) == {
        "its continuation", "continuation of another clip", "real clip of another video",
        "its last frame, repeated", "the true clip, encoded and decoded",
    }  # fmt: skip
    frozen, real = clips["its last frame, repeated"], clips["real clip of another video"]
    assert frozen["psnr"]["mean"] > real["psnr"]["mean"], "the squares move slowly"
    assert frozen["feature_distance"]["mean"] < real["feature_distance"]["mean"]
    assert 0 <= real["psnr_own_nearer"]["share"] <= 1
    gain = clips["its continuation"]["psnr"]["mean"] - real["psnr"]["mean"]
    assert real["psnr_own_nearer"]["gain"] == pytest.approx(gain)
    again = evaluate("video-continuation", *options, "--set", "sampling.batch_size=2")
    own = again.json["report"]["metrics"]["clips"]["its continuation"]["psnr"]["mean"]
    assert own == pytest.approx(clips["its continuation"]["psnr"]["mean"], abs=0.01)


def test_clips_are_compared_with_those_of_other_videos() -> None:
    assert _shift(["a", "a", "b", "b"]) == 2
    assert _shift(["a", "b"]) == 1
    names = ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    shift = _shift(names)
    assert all(name != names[(number + shift) % 9] for number, name in enumerate(names))


def test_bad_input(films: Path, model: Path, cache: Path, tmp_path: Path) -> None:
    def error(*words: object) -> str:
        done = evaluate(*words)
        assert done.code == 2, done.stderr
        return done.stderr

    assert "--autoencoder is not given" in error("video-reconstruction", "--data", films)
    assert "--data is not given" in error("video-continuation", "--model", model)
    wrong = save_encoder(tmp_path / "cnn")
    both = ("--data", films, "--autoencoder", wrong)
    assert "is no autoencoder of videos" in error("video-reconstruction", *both)
    assert "is no diffusion model" in error("video-continuation", "--data", films, "--model", wrong)
    short = write_video_clips(tmp_path / "short", 4, seconds=0.3, val=1)
    assert "followed by another one" in error("video-continuation", "--data", short, "--model", model)
