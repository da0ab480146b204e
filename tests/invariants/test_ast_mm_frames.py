"""AST-MM: which frame features count."""

import pytest
import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.ast.ast_mm import ASTMM
from avtool.models.registry import create


def moved(**overrides: object) -> ASTMM:
    torch.manual_seed(0)
    model: ASTMM = create("ast_mm_tiny", **overrides).eval()  # type: ignore[assignment]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.fixture
def given() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "audio": torch.randn(2, 64, 16, generator=generator),
        "clip": torch.randn(2, 3, 8, generator=generator),
    }


@pytest.mark.parametrize("positions", ["learned", "sinusoid"])
def test_masked_steps_change_nothing(positions: str, given: dict[str, Tensor]) -> None:
    model, mask = moved(clip_positions=positions), torch.tensor([[True, True, False], [True, True, True]])
    other = given["clip"].clone()
    other[0, 2] = 100.0
    with torch.no_grad():
        before = model(**given, clip_mask=mask).logits
        after = model(given["audio"], other, mask).logits
        unmasked = model(given["audio"], other).logits
    torch.testing.assert_close(after, before, rtol=0, atol=1e-6)
    assert (unmasked[0] - before[0]).abs().max() > 1e-3


def test_a_mask_of_all_true_equals_no_mask(given: dict[str, Tensor]) -> None:
    model = moved()
    with torch.no_grad():
        masked = model(**given, clip_mask=torch.ones(2, 3, dtype=torch.bool)).logits
        torch.testing.assert_close(masked, model(**given).logits, rtol=0, atol=1e-6)


def test_frames_and_their_order_are_heard_by_the_audio_tokens(given: dict[str, Tensor]) -> None:
    model = moved()
    with torch.no_grad():
        reversed_clip = model(given["audio"], given["clip"].flip(1)).logits
        assert (reversed_clip - model(**given).logits).abs().max() > 1e-4


def test_only_positions_tell_the_order_of_frames(given: dict[str, Tensor]) -> None:
    model = moved()
    with torch.no_grad():
        model.clip_embed.pos_embed.zero_()
        reversed_clip = model(given["audio"], given["clip"].flip(1)).logits
        torch.testing.assert_close(reversed_clip, model(**given).logits, rtol=0, atol=1e-6)


def test_frame_features_of_another_shape_are_refused(given: dict[str, Tensor]) -> None:
    with pytest.raises(BadInputError, match=r"frame features of \(batch, 3, 8\), not \(2, 2, 8\)"):
        moved()(given["audio"], given["clip"][:, :2])
