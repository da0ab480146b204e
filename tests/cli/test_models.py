"""`avtool models`: listing without building, and one model in full."""

import json

import pytest

from avtool.cli.main import run


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_listing_is_narrowed_by_name_and_input(capsys: pytest.CaptureFixture[str]) -> None:
    found = output_of(capsys, "models", "list", "m*_tiny", "--input", "image")["models"]
    assert [model["name"] for model in found] == ["mae_tiny"]
    assert found[0]["inputs"] == ["image"]
    assert "CVPR 2022" in found[0]["paper"]


def test_nothing_that_matches_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list", "vit*"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no model matches `vit*`" in captured.err


def test_a_model_is_shown_with_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    model = output_of(capsys, "models", "show", "audio_mae_tiny_pretrain")["model"]
    assert model["parameters"] == sum(model["parts"].values()) == 152_640
    assert model["classifier"] == "audio_mae_tiny"
    frames = model["settings"]["num_frames"]
    assert (frames["value"], frames["decided_by"]) == (128, "the audio length (--seconds)")
    assert all(setting["meaning"] for setting in model["settings"].values())


def test_a_model_is_shown_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "show", "mbt_base"]) == 0
    text = capsys.readouterr().out
    assert "174,615,311" in text
    assert "image ViT or DeiT of timm or transformers" in text


def test_a_mistyped_name_is_answered_by_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "show", "mbt_bse"]) == 2
    assert "did you mean `mbt_base`" in capsys.readouterr().err
