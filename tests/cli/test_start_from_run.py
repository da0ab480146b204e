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
from tests.harness import Result, prepare_tones, run_avtool

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
