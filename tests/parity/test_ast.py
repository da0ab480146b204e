"""AST against transformers' implementation with the same random weights."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from avtool.models.ast.ast import AST
from avtool.models.ast.weights import load_ast
from avtool.models.registry import create

torch.set_num_threads(1)  # tiny matrices: threads would only wait for each other
transformers = pytest.importorskip("transformers")


def reference(**config: Any) -> Any:
    """Their model, all parameters moved: fresh position tables are zero, and hide the order of tokens."""
    torch.manual_seed(0)
    model = transformers.ASTForAudioClassification(transformers.ASTConfig(**config)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def tiny_pair() -> tuple[Any, AST]:
    theirs = reference(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_length=128,
        num_mel_bins=64,
        num_labels=10,
    )
    return theirs, create("ast_tiny", norm_eps=1e-12, head_norm_eps=1e-12).eval()


def deit_tiny_pair() -> tuple[Any, AST]:
    theirs = reference(
        hidden_size=192,
        num_hidden_layers=12,
        num_attention_heads=3,
        intermediate_size=768,
        max_length=512,
        num_labels=50,
    )
    ours = create("ast_deit_tiny", num_frames=512, num_classes=50, norm_eps=1e-12, head_norm_eps=1e-12)
    return theirs, ours.eval()


@pytest.mark.parametrize("pair", [tiny_pair, deit_tiny_pair])
def test_equals_transformers(pair: Callable[[], tuple[Any, AST]]) -> None:
    theirs, ours = pair()
    report = load_ast(ours, theirs.state_dict())
    assert report.missing == report.unexpected == report.changes == ()
    settings = ours.settings
    audio = torch.randn(1, settings.num_frames, settings.num_mel_bins)
    with torch.no_grad():
        difference = ours(audio).logits - theirs(audio).logits
    assert difference.abs().max() <= 1e-5


def test_gradients_equal_transformers() -> None:
    theirs, ours = tiny_pair()
    load_ast(ours, theirs.state_dict())
    audio = torch.randn(2, 128, 64)
    for logits in (theirs(audio).logits, ours(audio).logits):
        logits.square().sum().backward()
    their_kernel = theirs.audio_spectrogram_transformer.embeddings.patch_embeddings.projection.weight
    torch.testing.assert_close(ours.patch_embed.proj.weight.grad, their_kernel.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "overrides", "count"),
    [
        ("ast_base", {}, 86_594_063),
        ("ast_deit_tiny", {"num_frames": 512, "num_classes": 50}, 5_514_098),
        ("ast_small", {}, 22_063_631),
        ("ast_mm_base", {}, 86_688_888),
    ],
)
def test_parameter_counts(name: str, overrides: dict[str, int], count: int) -> None:
    with torch.device("meta"):
        model = create(name, **overrides)
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_number_of_tokens_of_the_published_model() -> None:
    with torch.device("meta"):
        model = create("ast_base")
    assert model.settings.grid == (12, 101)
    assert model.pos_embed.shape == (1, 1214, 768)
