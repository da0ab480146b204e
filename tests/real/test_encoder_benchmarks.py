"""Encoders with random weights on real audio and films: whole benchmarks and bounds of their numbers."""

import json
from pathlib import Path

import pytest
import torch

from avtool.cli.main import run
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spec import InputSpec
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A CNN with random weights that hears five seconds."""
    torch.manual_seed(0)
    inputs = InputSpec((AudioInput(AudioSettings(num_mel_bins=64), 498, -6.6, 5.4),))
    save_model(
        tmp_path / "cnn", create("cnn_tiny").state_dict(), ModelDescription("cnn_tiny", {}, inputs.to_json())
    )
    return tmp_path / "cnn"


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "floor"), [("linear", 45), ("knn", 40)])
def test_random_weights_on_esc10(test_data, encoder, tmp_path, capsys, protocol, floor) -> None:
    code = run(
        [
            "eval", "--benchmark", "esc10", "--data", str(test_data / "esc10"),
            "--encoder", str(encoder), "--protocol", protocol, "--device", "cpu", "--set", "baselines=false",
            "--json", "-q", "--no-progress", "--out", str(tmp_path / "report"),
        ]
    )  # fmt: skip
    assert code == 0
    found = json.loads(capsys.readouterr().out)["report"]
    assert floor < found["metrics"]["accuracy"] < 92
    assert len(found["metrics"]["gain_over_random_init"]["folds"]) == 5
    assert "paired by fold" in found["headline"]
    if protocol == "knn":
        assert found["metrics"]["recall_ours"]["1"] > floor
    assert "random init" in (tmp_path / "report" / "report.html").read_text()


@pytest.mark.slow
def test_classical_fingerprints_on_real_films(test_data, tmp_path, capsys) -> None:
    for name in ("his_girl_friday_6s.mp4", "mdn_frog.webm", "mdn_elf.webm", "bear_vp9_opus_3s.webm"):
        (tmp_path / name).symlink_to(test_data / "video" / name)
    command = ["eval", "--benchmark", "fingerprint", "--data", str(tmp_path), "--json", "-q", "--no-progress"]
    assert run(command) == 0
    systems = json.loads(capsys.readouterr().out)["report"]["metrics"]["systems"]
    assert systems["landmarks, audio"]["R@1"] > 80
    assert systems["difference hash, video"]["R@1"] > 80
    assert systems["chroma, audio"]["R@5"] == 100
