"""EfficientNet-Lite0 through timm: its file recognised by its checksum, its preprocessing, and a probe."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from avtool.cli.main import run
from avtool.data.inputs.spec import read_inputs
from avtool.data.items import Item
from avtool.models.load import load_model

NAME = "tf_efficientnet_lite0"


@pytest.fixture
def weights(test_data: Path) -> Path:
    pytest.importorskip("timm")
    path = test_data / "weights" / "efficientnet_lite0" / "efficientnet-lite0-57934424.pth"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


def test_features_of_photographs_are_those_of_timm(test_data: Path, weights: Path) -> None:
    import timm

    theirs = timm.create_model(NAME).eval()
    values = list(torch.load(weights, weights_only=True).values())
    names = [name for name in theirs.state_dict() if "num_batches" not in name]
    values = [value for value in values if value.is_floating_point()]
    theirs.load_state_dict(dict(zip(names, values, strict=True)), strict=False)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(theirs))
    loaded = load_model(weights)
    ours = read_inputs(weights, loaded.preprocess)
    for path in sorted((test_data / "images" / "clothing" / "validation").rglob("*.jpg"))[::40]:
        with Image.open(path) as image:
            wanted = transform(image.convert("RGB"))[None]
        (_, window), *_ = ours["image"].windows(Item(str(path), path), 1.0)
        assert np.array_equal(window[None], wanted)
        with torch.no_grad():
            feature = theirs.forward_head(theirs.forward_features(wanted), pre_logits=True)
            torch.testing.assert_close(
                loaded.model.embed(image=wanted)["image"], feature, atol=1e-5, rtol=1e-5
            )


@pytest.mark.slow
def test_linear_probe_of_clothing(test_data: Path, weights: Path, capsys) -> None:
    command = [
        "eval", "--benchmark", "imagenet-folder", "--data", str(test_data / "images" / "clothing"),
        "--encoder", str(weights), "--protocol", "linear", "--device", "cpu", "--json", "-q", "--no-progress",
    ]  # fmt: skip
    assert run(command) == 0
    report = json.loads(capsys.readouterr().out)["report"]
    assert max(row["accuracy"] for row in _rows(report)) >= 73


def _rows(report: dict) -> list[dict]:
    """The rows of the report's tables, by column."""
    return [
        dict(zip(table["columns"], row, strict=True))
        for table in report["tables"]
        for row in table["rows"]
        if "accuracy" in table["columns"]
    ]
