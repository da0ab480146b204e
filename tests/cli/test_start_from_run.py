"""`avtool pretrain`, then `avtool finetune --init RUN`: what the run says of its inputs is taken over."""

import json
import tomllib
from pathlib import Path

import pytest
import torch

from avtool.models.load import load_model
from avtool.models.masked.audio_mae_weights import load_audio_mae
from avtool.models.masked.mae_weights import load_mae
from avtool.models.registry import create
from tests.harness import Result, prepare_tones, run_avtool, write_video_clips

STEP = ["--max-steps", "1", "--set", "loop.tensorboard=false", "--workers", "0", "--device", "cpu"]


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_tones(tmp_path_factory.mktemp("tones"), train=4, val=1, seconds=2.6)


@pytest.fixture(scope="module")
def run(tones: Path) -> Path:
    """A grid of 16 times and 4 frequencies: 256 frames of 64 mel bins."""
    out = tones.parent / "pretrained"
    given = ["--preset", "tiny", "--seconds", "2.56", "--set", "data.audio.num_mel_bins=64"]
    assert run_avtool("pretrain", "audio-mae", tones, *given, *STEP, "--out", out).code == 0
    return out


def finetune(tones: Path, run: Path, *arguments: object) -> Result:
    given = ["--init", run, "--task", "single-label", *STEP]
    return run_avtool("finetune", tones, *given, *arguments, "--no-progress")


def inputs_of(folder: Path) -> dict:
    return json.loads((folder / "model" / "preprocess.json").read_text())["inputs"]["audio"]


@pytest.mark.parametrize("arguments", [(), ("--model", "audio_mae_tiny"), ("--interpolate-pos",)])
def test_audio_length_and_grid_follow_from_the_run(
    tones: Path, run: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = finetune(tones, run, *arguments, "--out", tmp_path / "tuned")
    assert done.code == 0, done.stderr
    assert inputs_of(tmp_path / "tuned") == inputs_of(run)
    assert "positions:" not in done.stderr
    tuned, pretrained = load_model(tmp_path / "tuned").model, load_model(run).model
    assert torch.equal(tuned.encoder.pos_embed, pretrained.encoder.pos_embed)
    recipe = tomllib.loads((tmp_path / "tuned" / "recipe.toml").read_text())
    assert recipe["model"]["name"] == "audio_mae_tiny"
    assert recipe["data"]["audio"]["num_mel_bins"] == 64


@pytest.mark.parametrize("part", ["model", "model/model.safetensors", "checkpoints/step-000001"])
def test_a_part_of_the_run_describes_it_too(tones: Path, run: Path, tmp_path: Path, part: str) -> None:
    done = finetune(tones, run / part, "--out", tmp_path / "tuned")
    assert done.code == 0, done.stderr
    assert inputs_of(tmp_path / "tuned") == inputs_of(run)


def test_another_length_is_interpolated_where_it_is_wanted(tones: Path, run: Path, tmp_path: Path) -> None:
    done = finetune(tones, run, "--seconds", "1.28", "--out", tmp_path / "short")
    assert done.code == 2
    assert "grid of the weights is 16x4 and the model's is 8x4" in done.stderr
    done = finetune(tones, run, "--seconds", "1.28", "--interpolate-pos", "--out", tmp_path / "short")
    assert done.code == 0, done.stderr
    assert "16x4 → 8x4" in done.stderr.replace("\n", " ")


def test_an_equally_long_table_of_another_grid_is_refused(tones: Path, run: Path, tmp_path: Path) -> None:
    other = ["--seconds", "1.28", "--set", "data.audio.num_mel_bins=128"]
    for more in ([], ["--interpolate-pos"]):
        done = finetune(tones, run, *other, *more, "--out", tmp_path / "no")
        assert done.code == 2
        assert "lie over 16x4 patches, and the model's are 8x8" in done.stderr
        assert "Traceback" not in done.stderr


def test_an_image_of_another_size_is_interpolated_along_both_sides() -> None:
    torch.manual_seed(0)
    small, large = create("mae_tiny", image_size=32), create("mae_tiny", image_size=64)
    report = load_mae(large, small.state_dict(), interpolate=True)
    assert "positions: 4x4 → 8x8" in report.changes
    table = large.encoder.pos_embed[0, 1:].reshape(8, 8, -1)
    expected = small.encoder.pos_embed[0, 1:].reshape(4, 4, -1)
    torch.testing.assert_close(table[0, 0], expected[0, 0])
    torch.testing.assert_close(table[7, 7], expected[3, 3])


def test_a_spectrogram_keeps_its_rows_of_frequencies() -> None:
    long, short = create("audio_mae_tiny", num_frames=256), create("audio_mae_tiny", num_frames=128)
    load_audio_mae(short, long.state_dict(), interpolate=True)
    rows = short.encoder.grid.num_tokens
    torch.testing.assert_close(short.encoder.pos_embed[0, 1:], long.encoder.pos_embed[0, 1 : 1 + rows])


STILL = ["--lr", "1e-12", "--preset", "tiny", *STEP]
"""A step that moves nothing: what the model started from is what it ends with."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video_clips(tmp_path_factory.mktemp("films") / "clips", count=3)


@pytest.fixture(scope="module")
def starts(films: Path) -> dict[str, Path]:
    """An image MAE and Audio-MAEs of 32 and of 64 mel bins."""
    folder = films.parent
    lines = {
        "image": ["image-mae", "--size", "32", "--set", "model.arguments.patch_size=16"],
        "audio": ["audio-mae", "--seconds", "1.28", "--set", "data.audio.num_mel_bins=32"],
        "wide": ["audio-mae", "--seconds", "0.64", "--set", "data.audio.num_mel_bins=64"],
    }
    for name, (method, *more) in lines.items():
        done = run_avtool("pretrain", method, films, *more, *STILL, "--out", folder / name)
        assert done.code == 0, done.stderr
    return {name: folder / name for name in lines}


def pretrain_mavil(films: Path, out: Path, *arguments: object) -> Result:
    keys = [
        "data.audio.num_mel_bins=32",
        "data.video.size=32",
        "data.video.num_frames=4",
        "data.seconds=1.28",
    ]
    given = [part for key in keys for part in ("--set", key)]
    return run_avtool("pretrain", "mavil", films, *given, *STILL, *arguments, "--out", out)


@pytest.mark.parametrize("halves", [True, False])
def test_mavil_starts_from_a_model_of_each_modality(
    films: Path, starts: dict[str, Path], tmp_path: Path, halves: bool
) -> None:
    more = [] if halves else ["--set", "model.rescale_kernel=false"]
    given = ["--init-video", starts["image"], "--init-audio", starts["audio"], *more]
    done = pretrain_mavil(films, tmp_path / "run", *given)
    assert done.code == 0, done.stderr
    both, image, audio = (
        load_model(path).model.state_dict() for path in (tmp_path / "run", starts["image"], starts["audio"])
    )
    kernel = image["encoder.patch_embed.proj.weight"] / (2 if halves else 1)
    for frame in (0, 1):
        found = both["encoder.video.patch_embed.proj.weight"][:, :, frame]
        torch.testing.assert_close(found, kernel, rtol=0, atol=1e-8)
    for name, tensor in audio.items():
        if name.startswith("encoder."):
            theirs = both[name.replace("encoder.", "encoder.audio.", 1)]
            torch.testing.assert_close(theirs, tensor, rtol=0, atol=1e-8)
    card = json.loads((tmp_path / "run" / "artifact.json").read_text())
    used = {one["path"] for one in card["inputs"]}
    assert {str(starts[name] / "model" / "model.safetensors") for name in ("image", "audio")} <= used


@pytest.mark.parametrize(
    ("flag", "start", "words"),
    [
        ("--init-audio", "wide", "lie over 4x4 patches, and the model's are 8x2"),
        ("--init-video", "audio", "take 1 channel, and no image has: they are no MAE of images"),
    ],
)
def test_a_start_of_another_shape_is_refused_in_one_line(
    films: Path, starts: dict[str, Path], tmp_path: Path, flag: str, start: str, words: str
) -> None:
    done = pretrain_mavil(films, tmp_path / "run", flag, starts[start])
    assert done.code == 2
    assert words in done.stderr
