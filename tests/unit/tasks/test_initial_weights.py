"""Starting a classifier from other weights: ours, foreign files, and what is refused."""

import pytest
import torch

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.reporter import Recorder
from avtool.inference.outputs import read_outputs
from avtool.models.registry import create
from avtool.models.start import load_start
from avtool.tasks.classification.network import build_network
from avtool.tasks.classification.recipe import FinetuneRecipe


def test_weights_of_other_classes_give_all_but_the_last_layer(tmp_path):
    old, model = create("cnn_tiny", num_classes=3), create("cnn_tiny", num_classes=5)
    torch.save(old.state_dict(), tmp_path / "old.pt")
    own_head = model.head[1].weight.clone()
    reporter = Recorder()
    load_start(model, "cnn_tiny", tmp_path / "old.pt", reporter)
    assert torch.equal(model.stem[0].weight, old.stem[0].weight)
    assert torch.equal(model.head[1].weight, own_head)
    assert any("3 → 5" in line for line in reporter.infos)


def test_positions_of_another_length_need_consent(tmp_path):
    torch.save(create("ast_tiny").state_dict(), tmp_path / "old.pt")
    model = create("ast_tiny", num_frames=256)
    with pytest.raises(BadInputError, match="position grid"):
        load_start(model, "ast_tiny", tmp_path / "old.pt", Recorder())
    load_start(model, "ast_tiny", tmp_path / "old.pt", Recorder(), interpolate=True)


class Hostile:
    def __reduce__(self):
        return (print, ("opened",))


def test_a_pickle_with_code_is_not_opened(tmp_path, capsys):
    torch.save({"model": Hostile()}, tmp_path / "evil.pt")
    with pytest.raises(BadInputError, match="such objects are not opened"):
        load_start(create("cnn_tiny"), "cnn_tiny", tmp_path / "evil.pt", Recorder())
    assert "opened" not in capsys.readouterr().out


def test_weights_of_another_architecture_are_refused(tmp_path):
    torch.save({"x": torch.zeros(3)}, tmp_path / "x.pt")
    with pytest.raises(BadInputError, match="holds no weight"):
        load_start(create("cnn_tiny"), "cnn_tiny", tmp_path / "x.pt", Recorder())


def test_the_seed_decides_the_start():
    recipe = FinetuneRecipe.model_validate({"model": {"name": "cnn_tiny"}})
    one, _ = build_network(recipe, 4, 50)
    two, _ = build_network(recipe, 4, 50)
    other, _ = build_network(recipe.model_copy(update={"seed": 1}), 4, 50)
    assert torch.equal(one.stem[0].weight, two.stem[0].weight)
    assert not torch.equal(one.stem[0].weight, other.stem[0].weight)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"task": "haiku"},
        {"task": "single-label", "labels": ["a"], "sizes": [2], "inputs": []},
        {"task": "single-label", "labels": ["a"], "sizes": [1], "inputs": ["audio"], "rolls": 10**9},
    ],
)
def test_a_model_of_another_kind_is_no_classifier(tmp_path, values):
    with pytest.raises(CorruptArtifactError, match="no classifier"):
        read_outputs(tmp_path, values)
