"""YAMNet's weights beside onnxruntime, and on ESC-10 through the command line."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from avtool.cli.main import run
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import find_items
from avtool.inference.predictor import Predictor
from avtool.inference.windows import iter_windows

CLASS_MAP = """
chainsaw = ["Chainsaw", "Power tool", "Sawing"]
clock_tick = ["Tick", "Tick-tock", "Clock"]
crackling_fire = ["Crackle", "Fire"]
crying_baby = ["Baby cry, infant cry", "Crying, sobbing"]
dog = ["Dog", "Bark", "Bow-wow", "Yip", "Howl"]
helicopter = ["Helicopter", "Aircraft"]
rain = ["Rain", "Raindrop", "Rain on surface"]
rooster = ["Chicken, rooster", "Crowing, cock-a-doodle-doo"]
sea_waves = ["Waves, surf", "Ocean"]
sneezing = "Sneeze"
"""


@pytest.fixture
def weights(test_data: Path) -> Path:
    path = test_data / "weights" / "yamnet" / "model.onnx"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


def without_quantisation(path: Path, folder: Path) -> Path:
    """The same graph on floating-point tensors: every pair of quantisation and its inverse taken out."""
    model = onnx.load_model(str(path), load_external_data=False)
    graph, origin, kept = model.graph, {}, []
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            origin[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    first, last = graph.input[0].name, graph.output[0].name
    for node in kept:
        for place, name in enumerate(node.input):
            while name in origin:
                name = origin[name]
            node.input[place] = name
    graph.output[0].name = origin[last]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(kept)
    graph.input[0].type.tensor_type.elem_type = graph.output[0].type.tensor_type.elem_type = 1
    assert any(first in node.input for node in kept)
    (folder / "float.onnx").write_bytes(model.SerializeToString())
    shutil.copy(path.with_name("model.data"), folder / "model.data")
    return folder / "float.onnx"


def test_logits_are_those_of_onnxruntime(test_data: Path, weights: Path, tmp_path: Path) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # not its warnings of the scales that no node takes any more
    session = onnxruntime.InferenceSession(without_quantisation(weights, tmp_path), options)
    ours = Predictor(weights, RuntimeRecipe(device="cpu", precision="fp32"), Silent())
    files = sorted((test_data / "esc10" / "audio").iterdir())[::57]
    for item in find_items([str(path) for path in files]):
        windows = list(iter_windows(item, ours.inputs, ours.inputs.hop or 1))[:3]
        patches = ours.inputs.batch(windows, torch.device("cpu"))["audio"].numpy()
        theirs = [session.run(None, {"audio": patch[None, None]})[0] for patch in patches]
        logits, wanted = ours.logits(windows), np.concatenate(theirs)
        np.testing.assert_allclose(logits, wanted, atol=1e-4, rtol=1e-6)  # digital silence gives -500
        np.testing.assert_allclose(ours.probabilities(logits), ours.probabilities(wanted), atol=1e-5)


def accuracy_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    command = ["eval", "--benchmark", "esc10", *arguments, "--device", "cpu", "--json", "-q", "--no-progress"]
    assert run(command) == 0
    return json.loads(capsys.readouterr().out)["report"]["metrics"]


@pytest.mark.slow
def test_zero_shot_on_esc10(test_data: Path, weights: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "esc10.toml").write_text(CLASS_MAP)
    found = accuracy_of(
        capsys, "--data", str(test_data / "esc10"), "--model", str(weights),
        "--class-map", str(tmp_path / "esc10.toml"), "--set", "baselines=false",
    )  # fmt: skip
    assert found["accuracy"] >= 93


@pytest.mark.slow
def test_linear_probe_on_esc10(test_data: Path, weights: Path, capsys) -> None:
    found = accuracy_of(
        capsys, "--data", str(test_data / "esc10"), "--encoder", str(weights), "--protocol", "linear",
        "--set", "baselines=false", "--set", "random_init=false",
    )  # fmt: skip
    assert found["accuracy"] >= 95
