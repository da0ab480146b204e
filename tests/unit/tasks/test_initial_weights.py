"""Starting a classifier from other weights: ours, foreign files, and what is refused."""

import pytest
import torch

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.reporter import Recorder
from avtool.inference.outputs import read_outputs
from avtool.models.published.transformers_names import to_transformers
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


AST_OF_MM = {
    "embed_dim": 32, "mlp_dim": 64, "num_frames": 64, "num_mel_bins": 16, "patch_size": 8,
    "frequency_stride": 4, "time_stride": 4, "num_classes": 5,
}  # fmt: skip


@pytest.mark.parametrize("layout", ["ours", "original", "AST-MM", "transformers", "folder"])
def test_ast_mm_starts_from_an_ast_of_any_layout(layout, tmp_path):
    torch.manual_seed(1)
    old = create("ast_mm_tiny") if layout == "AST-MM" else create("ast_tiny", **AST_OF_MM)
    state, start = old.state_dict(), tmp_path / "old.pt"
    if layout == "original":
        state = {f"module.v.{name}".replace("v.head.", "mlp_head."): value for name, value in state.items()}
    if layout in ("transformers", "folder"):
        library, start = of_transformers(old, tmp_path / "hub")
        start = start if layout == "folder" else start / "model.safetensors"
    else:
        torch.save(state, start)
    torch.manual_seed(2)
    model, reporter = create("ast_mm_tiny"), Recorder()
    load_start(model, "ast_mm_tiny", start, reporter)
    parts = [model.ast, old.ast] if layout == "AST-MM" else [model.ast, old]
    audio = torch.randn(2, 64, 16)
    torch.testing.assert_close(*(part.eval()(audio).logits for part in parts), rtol=0, atol=1e-5)
    if layout == "AST-MM":
        clip = torch.randn(2, 3, 8)
        assert torch.equal(*(one.eval()(audio, clip).logits for one in (model, old)))
    else:
        assert any("not in the weights: " in line and "clip_embed" in line for line in reporter.infos)
        assert not any("ast." in line for line in reporter.infos if line.startswith("weights:"))
    if layout in ("transformers", "folder"):
        torch.testing.assert_close(library.eval()(audio).logits, model.ast(audio).logits, rtol=0, atol=1e-5)


def of_transformers(ast, folder):
    """The same AST as transformers has it, saved."""
    transformers = pytest.importorskip("transformers")
    config = transformers.ASTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, patch_size=8,
        frequency_stride=4, time_stride=4, max_length=64, num_mel_bins=16, num_labels=5, layer_norm_eps=1e-6,
    )  # fmt: skip
    library = transformers.ASTForAudioClassification(config)
    library.load_state_dict(to_transformers(library.state_dict(), ast.state_dict()))
    library.save_pretrained(folder)
    return library, folder


def test_ast_mm_starts_from_an_image_vit(tmp_path):
    torch.manual_seed(1)
    state = {name.removeprefix("ast."): value for name, value in create("ast_mm_tiny").state_dict().items()}
    image = {name: value for name, value in state.items() if not name.startswith(("head", "clip", "type"))}
    image["patch_embed.proj.weight"] = image["patch_embed.proj.weight"].repeat(1, 3, 1, 1) / 3
    image["pos_embed"] = torch.randn(1, 2 + 49, 32)
    torch.save(image, tmp_path / "vit.pt")
    model, reporter = create("ast_mm_tiny"), Recorder()
    load_start(model, "ast_mm_tiny", tmp_path / "vit.pt", reporter)
    torch.testing.assert_close(model.ast.patch_embed.proj.weight, state["patch_embed.proj.weight"])
    assert any("positions: 7x7 → 3x15; colours summed" in line for line in reporter.infos)
