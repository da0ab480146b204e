"""The model artifact: written, read, and refused in one line where it does not fit."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from avtool.core.artifact import read_artifact, verify
from avtool.core.errors import BadInputError, CorruptArtifactError, ExitCode
from avtool.models.load import load_model, load_weights
from avtool.models.model_files import find_model
from avtool.models.model_folder import (
    ModelDescription,
    load_tensors,
    read_description,
    save_model,
    save_tensors,
)
from avtool.models.registry import create

torch.set_num_threads(1)
PREPROCESS = {"sample_rate": 16000, "labels": ["dog", "owl", "wind"], "mean": -4.2677393}


def save(folder: Path, builder: str = "cnn_tiny", **arguments: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    model = create(builder, **arguments)
    description = ModelDescription(builder, arguments, PREPROCESS, "Three sounds.", "avtool finetune x")
    save_model(folder, model.state_dict(), description, metrics={"accuracy": 0.875})
    return model


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    model = save(tmp_path / "m", num_classes=3, widths=(8, 16))
    loaded = load_model(tmp_path / "m")
    audio = torch.randn(2, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded.model(audio).logits, model.eval()(audio).logits)
    assert not loaded.model.training
    assert loaded.preprocess == PREPROCESS
    assert verify(tmp_path / "m") == []
    assert read_artifact(tmp_path / "m").kind == "model"


def test_the_card_tells_people_what_it_is(tmp_path: Path) -> None:
    save(tmp_path / "m", num_classes=3)
    card = (tmp_path / "m" / "README.md").read_text()
    for words in (
        "# cnn_tiny",
        "Three sounds.",
        '"num_classes": 3',
        "| accuracy | 0.875 |",
        "avtool finetune x",
    ):
        assert words in card


def test_the_card_is_the_same_wherever_the_model_is_written(tmp_path: Path) -> None:
    cards = []
    for folder in (tmp_path / "a" / "model", tmp_path / "b"):
        save(folder, num_classes=3)
        cards.append((folder / "README.md").read_text())
    assert cards[0] == cards[1]
    assert 'avtool.load_model(".").predict("sound.wav")' in cards[0]


def test_weights_of_another_builder_are_refused_in_one_line(tmp_path: Path) -> None:
    save(tmp_path / "m")
    with pytest.raises(CorruptArtifactError) as caught:
        load_weights(create("ast_tiny"), tmp_path / "m")
    message = str(caught.value)
    assert "of a `cnn_tiny`, does not fit this AST: it lacks `blocks.0.attn" in message
    assert "has unknown `stages.0" in message
    assert message.endswith("has in another shape `head.1.weight`")
    assert "\n" not in message
    assert len(message) < 600
    assert caught.value.exit_code == ExitCode.CORRUPT_ARTIFACT


def test_another_number_of_classes_names_the_layer(tmp_path: Path) -> None:
    save(tmp_path / "m", num_classes=3)
    with pytest.raises(CorruptArtifactError, match=r"(?m)another shape `head.1.bias`, `head.1.weight`$"):
        load_weights(create("cnn_tiny", num_classes=4), tmp_path / "m")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", None, "cannot read the weights"),
        ("model.safetensors", b"", "cannot read the weights"),
        ("model.safetensors", b"\xff" * 64, "cannot read the weights"),
        ("config.json", None, "config.json` is missing"),
        ("config.json", b"{", "not valid JSON"),
        ("config.json", b"[]", "holds no object"),
        ("config.json", b'{"builder": 3}', "names no builder"),
        ("preprocess.json", None, "preprocess.json` is missing"),
        ("artifact.json", b"{}", "has schema None"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    save(tmp_path / "m")
    (tmp_path / "m" / name).unlink()
    if content is not None:
        (tmp_path / "m" / name).write_bytes(content)
    with pytest.raises(CorruptArtifactError, match=message):
        load_model(tmp_path / "m")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"builder": "cnn_tinny"}, "holds a `cnn_tinny` that cannot be built: no model is called"),
        ({"arguments": {"num_class": 3}}, "`num_class` is no setting of this model"),
        ({"arguments": {"num_classes": "many"}}, "cannot be built"),
        ({"arguments": {"num_classes": 10**13}}, "another shape"),
        ({"arguments": {"widths": [8, 16, 32]}}, "it lacks"),
    ],
)
def test_a_description_that_lies_is_refused_before_memory_is_taken(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    save(tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CorruptArtifactError, match=message):
        load_model(tmp_path / "m")


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    save(tmp_path / "m")
    torch.save({"head": torch.zeros(1)}, tmp_path / "m" / "model.safetensors")
    with pytest.raises(CorruptArtifactError, match="cannot read the weights"):
        load_model(tmp_path / "m")


def test_a_run_or_a_checkpoint_stands_for_its_model(tmp_path: Path) -> None:
    save(tmp_path / "run" / "model")
    assert find_model(tmp_path / "run") == tmp_path / "run" / "model"
    assert read_description(find_model(tmp_path / "run")).builder == "cnn_tiny"
    (tmp_path / "young" / "checkpoints").mkdir(parents=True)
    with pytest.raises(BadInputError, match="has no model yet"):
        load_model(tmp_path / "young")
    with pytest.raises(BadInputError, match=r"there is no model `.*nowhere`"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(BadInputError, match="holds no model"):
        load_model(tmp_path)


def test_tied_and_strided_tensors_are_written_whole(tmp_path: Path) -> None:
    table = torch.arange(12.0).reshape(3, 4)
    save_tensors(tmp_path / "t.safetensors", {"a": table, "b": table, "c": table.t(), "n": torch.tensor(7)})
    found = load_tensors(tmp_path / "t.safetensors")
    assert torch.equal(found["a"], table)
    assert torch.equal(found["b"], table)
    assert torch.equal(found["c"], table.t())
    assert int(found["n"]) == 7


def test_a_model_is_replaced_whole(tmp_path: Path) -> None:
    save(tmp_path / "m", num_classes=3)
    save(tmp_path / "m", num_classes=5)
    assert load_model(tmp_path / "m").description.arguments == {"num_classes": 5}
    assert {path.name for path in tmp_path.iterdir()} == {"m"}
