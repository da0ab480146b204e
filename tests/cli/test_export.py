"""`avtool export`: every tiny model in every format that holds it, run there and compared."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.core.artifact import read_artifact, verify
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.base import ModelInput
from avtool.data.inputs.features import FeaturesInput
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.video import VideoInput
from avtool.inference.export.format import Comparison
from avtool.inference.outputs import OutputSpec
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import MODELS, create
from tests.harness import environment, noise, run_avtool, write_wav

LABELS = tuple("abcdefg")
FORMATS = ("onnx", "torch-export", "timm", "transformers")
HELD = {
    "timm": {"audio_mae_tiny", "audio_mae_tiny_pretrain", "mae_tiny", "mae_tiny_pretrain"},
    "transformers": {"ast_tiny", "mae_tiny", "video_mae_tiny"},
}
CLASSIFIERS = sorted(
    name
    for name, model in MODELS.items()
    if "tiny" in name and "deit" not in name and "num_classes" in model.family.follows.values()
)


def inputs_of(network: torch.nn.Module) -> tuple[ModelInput, ...]:
    """The inputs that fit a network's settings."""
    settings = network.settings
    grids = getattr(network, "grids", {})
    frames = getattr(settings, "num_frames", getattr(settings, "audio_frames", 128))
    size = getattr(settings, "image_size", 32)
    video = VideoSettings(
        num_frames=getattr(settings, "video_frames", 4), size=size, short_side=size, seconds=1.0
    )
    known: dict[str, ModelInput] = {
        "audio": AudioInput(AudioSettings(num_mel_bins=getattr(settings, "num_mel_bins", 64)), frames),
        "video": VideoInput(video),
        "image": ImageInput(video),
        "clip": FeaturesInput(getattr(settings, "clip_steps", 1), dim=getattr(settings, "clip_dim", 1)),
    }
    assert set(grids) <= set(known)
    return tuple(known[name] for name in network.inputs if name in known)


def save(folder: Path, name: str, *, classes: bool = True) -> torch.nn.Module:
    """A model of random weights that are large enough to matter."""
    torch.manual_seed(0)
    arguments = {"num_classes": len(LABELS)} if classes else {}
    network = create(name, **arguments).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1 and parameter.abs().max() < 0.1:
                parameter.normal_(std=0.2)
    outputs = OutputSpec("single-label", LABELS, (len(LABELS),)).to_json() if classes else {}
    preprocess = {**outputs, **InputSpec(inputs_of(network)).to_json()}
    save_model(folder, network.state_dict(), ModelDescription(name, arguments, preprocess))
    return network


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_computes_the_same_in_every_format_that_holds_it(name: str, tmp_path: Path) -> None:
    save(tmp_path / "run", name)
    for form in FORMATS:
        out = tmp_path / f"run-{form}"
        done = run_avtool("export", tmp_path / "run", "--format", form, "--json")
        if name not in HELD.get(form, {name}):
            assert done.code == 2, (form, done.stderr)
            assert done.stderr.count("error:") == 1
            assert "choose --format onnx or torch-export" in done.stderr
            assert not out.exists()
            continue
        assert done.code == 0, (form, done.stderr)
        result = done.json["result"]
        assert result["largest_difference"] <= result["tolerance"]
        assert result["tolerance"] <= 1e-3 * max(1, result["largest_output"])
        assert result["largest_output"] > 0.01, "of a network that computes nothing, equality shows nothing"
        assert read_artifact(out, "export").inputs
        assert verify(out) == []
        record = json.loads((out / "export.json").read_text())
        assert record["comparison"]["largest_difference"] == result["largest_difference"]
        assert record["labels"] == list(LABELS)
        assert [tensor["shape"][0] for tensor in record["inputs"]] == ["batch"] * len(record["inputs"])
        assert record["outputs"] == [{"name": "logits", "dtype": "float32", "shape": ["batch", len(LABELS)]}]
        assert (out / "preprocess.json").read_bytes() == (tmp_path / "run" / "preprocess.json").read_bytes()
        assert not out.with_name(f"{out.name}.partial").exists()
        if form in {"timm", "transformers"}:  # the card of a model hub
            kind = next(one for one in ("video", "image", "audio") if one in record["inputs"][0]["name"])
            front = f"---\nlibrary_name: {form}\npipeline_tag: {kind}-classification\n"
            assert (out / "README.md").read_text().startswith(front)


@pytest.mark.parametrize("name", ["mae_tiny_pretrain", "audio_mae_tiny_pretrain", "mavil_tiny_pretrain"])
def test_an_encoder_without_classes_gives_its_features(name: str, tmp_path: Path) -> None:
    save(tmp_path / "run", name, classes=False)
    several = name.startswith("mavil")
    for form in ("torch-export", "timm"):
        done = run_avtool("export", tmp_path / "run", "--format", form, "--json")
        if form == "timm" and several:
            assert done.code == 2
            assert "timm" in done.stderr
            continue
        assert done.code == 0, (form, done.stderr)
        record = json.loads((tmp_path / f"run-{form}" / "export.json").read_text())
        names = [tensor["name"] for tensor in record["outputs"]]
        assert names == (["audio", "video", "both"] if several else [record["inputs"][0]["name"]])
        assert record["labels"] == []


def test_programs_without_avtool_run_what_was_written(tmp_path: Path) -> None:
    network = save(tmp_path / "run", "ast_tiny")
    for form in ("onnx", "torch-export"):
        assert run_avtool("export", tmp_path / "run", "--format", form, "--out", tmp_path / form).code == 0
    audio = torch.randn(5, 128, 64)
    np.save(tmp_path / "audio.npy", audio.numpy())
    script = (
        "import sys, numpy, onnxruntime, torch\n"
        "audio = numpy.load('audio.npy')\n"
        "session = onnxruntime.InferenceSession('onnx/model.onnx')\n"
        "assert session.get_inputs()[0].shape == ['batch', 128, 64]\n"
        "numpy.save('onnx.npy', session.run(['logits'], {'audio': audio})[0])\n"
        "network = torch.export.load('torch-export/model.pt2').module()\n"
        "numpy.save('torch.npy', network(torch.from_numpy(audio)).detach().numpy())\n"
        "assert 'avtool' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment(), check=True, timeout=120)
    with torch.no_grad():
        expected = network(audio).logits.numpy()
    for file in ("onnx.npy", "torch.npy"):
        np.testing.assert_allclose(np.load(tmp_path / file), expected, atol=1e-5)


def test_the_line_of_a_model_card_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "runs" / "x" / "model"
    save(folder, "cnn_tiny")
    write_wav(folder / "sound.wav", noise(2.0))
    monkeypatch.chdir(folder)
    card = Path("README.md").read_text()
    lines = card.split("```python\n")[1].split("```")[0]
    assert lines.splitlines()[-1].startswith('avtool.load_model(".").predict("sound.wav")')
    values: dict[str, object] = {}
    exec(lines.replace("avtool.load_model", "found = avtool.load_model"), values)
    assert values["found"][0].label in LABELS


def test_an_export_that_differs_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "run", "ast_tiny")
    monkeypatch.setattr("avtool.inference.export.format.TOLERANCE", 0.0)
    done = run_avtool("export", tmp_path / "run", "--format", "onnx")
    assert done.code == 1
    assert "differs from the model" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_an_absent_library_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "run", "cnn_tiny")
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # what an import without the package meets
    done = run_avtool("export", tmp_path / "run", "--format", "onnx")
    assert done.code == 3
    assert "pip install 'avtool[export]'" in done.stderr
    assert not (tmp_path / "run-onnx").exists()


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "letter.txt").write_text("mine")
    save(tmp_path / "run", "cnn_tiny")
    cases = [
        (("export", tmp_path / "nothing", "--format", "onnx"), 2),
        (("export", tmp_path / "foreign", "--format", "torch-export"), 2),
        (("export", tmp_path / "run", "--format", "tflite"), 2),
        (("export", tmp_path / "run"), 2),
        (("export", tmp_path / "run", "--format", "torch-export", "--out", tmp_path / "foreign"), 2),
        (
            (
                "export",
                tmp_path / "run",
                "--format",
                "torch-export",
                "--out",
                tmp_path / "foreign",
                "--overwrite",
            ),
            2,
        ),
    ]
    for words, code in cases:
        done = run_avtool(*words)
        assert done.code == code, (words, done.stderr)
        assert done.stderr.count("error:") == 1
        assert "Traceback" not in done.stderr
    assert (tmp_path / "foreign" / "letter.txt").read_text() == "mine"


def test_the_same_export_is_made_again_and_another_needs_overwrite(tmp_path: Path) -> None:
    save(tmp_path / "run", "cnn_tiny")
    words = ("export", tmp_path / "run", "--out", tmp_path / "out", "--format")
    assert run_avtool(*words, "torch-export").code == 0
    first = (tmp_path / "out" / "export.json").read_bytes()
    assert run_avtool(*words, "torch-export").code == 0
    assert (tmp_path / "out" / "export.json").read_bytes() == first
    refused = run_avtool(*words, "onnx")
    assert refused.code == 2
    assert "--overwrite" in refused.stderr
    assert run_avtool(*words, "onnx", "--overwrite").code == 0
    assert not (tmp_path / "out" / "model.pt2").exists()
    assert run_avtool("show", tmp_path / "out").code == 0


def test_the_tolerance_is_fixed_in_units_of_the_outputs() -> None:
    assert Comparison(3e-5, 0.5).passes
    assert not Comparison(2e-4, 0.5).passes
    assert Comparison(5e-4, 6.0).passes
    assert not Comparison(7e-4, 6.0).passes
    assert not Comparison(math.inf, math.inf).passes
