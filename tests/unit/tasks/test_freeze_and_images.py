"""A linear probe by training: the encoder stays as it is. And classifiers of single pictures."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import Item
from avtool.data.manifest import Clip, read_manifest, write_manifest
from avtool.inference.predictor import Predictor
from avtool.inference.windows import spaced_windows
from avtool.models.load import load_model
from avtool.models.model_folder import ModelDescription, load_tensors, read_description, save_model
from avtool.models.registry import create
from avtool.models.start import freeze_encoder
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.tasks.classification.task import ClassificationTask
from avtool.training.run import train_task

COLOURS = {"blue": (30, 40, 220), "red": (220, 40, 30)}


@pytest.mark.parametrize("name", ["cnn_tiny", "ast_tiny", "avt_classifier_tiny", "audio_mae_tiny"])
def test_only_the_head_is_trained(name: str) -> None:
    torch.manual_seed(0)
    model = create(name)
    freeze_encoder(model, name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    model.train()
    shape = (4, 128, 32) if name == "audio_mae_tiny" else (4, 128, 64)
    shape = (4, 100, 128) if name == "avt_classifier_tiny" else shape
    output = model(audio=torch.randn(shape))
    torch.nn.functional.cross_entropy(output.logits, torch.tensor([0, 1, 2, 3])).backward()
    optimizer.step()
    changed = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert changed
    assert all(key.startswith("head.") for key in changed)


def test_a_model_without_a_head_cannot_be_probed() -> None:
    with pytest.raises(BadInputError, match="no head"):
        freeze_encoder(create("avt_tiny"), "avt_tiny")


def images(folder: Path, count: int) -> Path:
    """A data set of coloured pictures of several shapes."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    clips = []
    for label, colour in COLOURS.items():
        for number in range(count):
            noise = rng.integers(-30, 30, (40 + number, 60, 3))
            picture = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            path = folder / f"{label}{number}.png"
            Image.fromarray(picture).save(path)
            clips.append(Clip(path.stem, str(path), 0.0, 1.0, labels=(label,)))
    write_manifest(folder, clips)
    return folder / "manifest.parquet"


def image_recipe(**model: Any) -> FinetuneRecipe:
    return FinetuneRecipe.model_validate(
        {
            "model": {"name": "mae_tiny", **model},
            "data": {"video": {"size": 32, "short_side": 36, "num_frames": 1}},
            "loop": {"epochs": 6, "batch_size": 8, "workers": 0, "tensorboard": False},
            "optimizer": {"lr": 0.05 if model["freeze"] else 0.003},
            "augment": {"mixup": "none"},
            "runtime": {"device": "cpu", "precision": "fp32"},
        }
    )


def test_a_probe_stores_its_encoder_once(tmp_path: Path) -> None:
    """Its checkpoints name the encoder, and its model holds it."""
    init, out = tmp_path / "init", tmp_path / "run"
    save_model(init, create("mae_tiny").state_dict(), ModelDescription("mae_tiny"))
    clips = read_manifest(images(tmp_path / "data", 8))
    recipe = image_recipe(freeze=True, init=init)
    train_task(ClassificationTask.of_clips(clips, tuple(COLOURS), recipe, Silent()), out)
    (checkpoint, *_) = (out / "checkpoints").iterdir()
    assert not [name for name in load_tensors(checkpoint / "model" / "model.safetensors") if "blocks" in name]
    of_checkpoint = load_model(checkpoint).model.state_dict()
    shutil.rmtree(init)
    assert read_description(out / "model").frozen == ()
    of_run, encoder = load_model(out).model.state_dict(), "encoder.blocks.0.mlp.fc1.weight"
    assert torch.equal(of_run[encoder], of_checkpoint[encoder])


@pytest.mark.parametrize("freeze", [False, True])
def test_a_classifier_of_pictures_learns_and_predicts(tmp_path: Path, freeze: bool) -> None:
    clips = read_manifest(images(tmp_path / "data", 8))
    recipe = image_recipe(freeze=freeze)
    out = tmp_path / "run"
    train_task(ClassificationTask.of_clips(clips, tuple(COLOURS), recipe, Silent()), out)
    preprocess = json.loads((out / "model" / "preprocess.json").read_text())
    assert list(preprocess["inputs"]) == ["image"]
    assert preprocess["inputs"]["image"]["size"] == 32
    predictor = Predictor(out, RuntimeRecipe(device="cpu"), Silent())
    for label in COLOURS:
        path = tmp_path / "data" / f"{label}0.png"
        scores = predictor.logits(spaced_windows(Item("x", path), predictor.inputs, 10))
        assert scores.shape == (1, 2)
        assert predictor.outputs.labels[int(scores.argmax())] == label
