"""What may and what may not pass between the modalities of an MBT."""

from typing import Any

import pytest
import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.mbt.mbt import MBT
from avtool.models.registry import create
from avtool.objectives.classification import binary_cross_entropy, cross_entropy

torch.set_num_threads(1)  # tiny matrices: threads would only wait for each other


def moved(**overrides: Any) -> MBT:
    """A tiny MBT (4 layers) whose parameters have all left their start, the zero head too."""
    torch.manual_seed(0)
    model: MBT = create("mbt_tiny", **overrides).eval()  # type: ignore[assignment]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def clips(seed: int = 0, batch_size: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "audio": torch.randn(batch_size, 32, 16, generator=generator),
        "video": torch.randn(batch_size, 3, 4, 16, 16, generator=generator),
    }


def influence_of_audio(model: MBT) -> float:
    """How far the picture's logits move when the sound is another."""
    video = clips()["video"]
    with torch.no_grad():
        logits = [model(audio=clips(seed)["audio"], video=video).modality_logits["video"] for seed in (1, 2)]
    return float((logits[0] - logits[1]).abs().max())


@pytest.mark.parametrize("fusion", ["bottleneck", "shared", "cross"])
def test_late_fusion_keeps_the_modalities_apart(fusion: str) -> None:
    assert influence_of_audio(moved(fusion=fusion, fusion_layer=4)) == 0


def test_one_layer_of_bottleneck_is_not_enough_to_pass_anything() -> None:
    """Sound needs one layer to enter the bottleneck, and the picture one to read it."""
    assert influence_of_audio(moved(fusion_layer=3)) == 0


@pytest.mark.parametrize(
    ("fusion", "fusion_layer"), [("bottleneck", 2), ("bottleneck", 0), ("shared", 3), ("cross", 3)]
)
def test_fusion_passes_sound_to_the_picture(fusion: str, fusion_layer: int) -> None:
    assert influence_of_audio(moved(fusion=fusion, fusion_layer=fusion_layer)) > 1e-2


def test_the_order_of_bottleneck_tokens_does_not_matter() -> None:
    model, given = moved(), clips()
    with torch.no_grad():
        before = model(**given).logits
        model.bottleneck.copy_(model.bottleneck[:, [2, 0, 3, 1]])
        torch.testing.assert_close(model(**given).logits, before, rtol=0, atol=1e-6)


@pytest.mark.parametrize("fusion", ["bottleneck", "cross"])
def test_the_order_of_modalities_does_not_matter(fusion: str) -> None:
    model, given = moved(fusion=fusion), clips()
    swapped = create("mbt_tiny", fusion=fusion, modalities=("audio", "video")).eval()
    swapped.load_state_dict(model.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(swapped(**given).logits, model(**given).logits, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["audio", "video"])
def test_parallel_and_sequential_updates_agree_on_one_modality(name: str) -> None:
    parallel, given = moved(), {name: clips()[name]}
    sequential = create("mbt_tiny", bottleneck_update="sequential").eval()
    sequential.load_state_dict(parallel.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(sequential(**given).logits, parallel(**given).logits, rtol=0, atol=0)


def test_parallel_and_sequential_updates_differ_on_two() -> None:
    parallel, given = moved(), clips()
    sequential = create("mbt_tiny", bottleneck_update="sequential").eval()
    sequential.load_state_dict(parallel.state_dict())
    with torch.no_grad():
        assert (sequential(**given).logits - parallel(**given).logits).abs().max() > 1e-4


def test_own_queries_give_what_all_queries_give() -> None:
    own, given = moved(fusion="cross"), clips()
    everyone = create("mbt_tiny", fusion="cross", cross_queries="all").eval()
    everyone.load_state_dict(own.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(everyone(**given).logits, own(**given).logits, rtol=0, atol=1e-6)


def test_without_bottlenecks_at_test_the_modalities_run_alone() -> None:
    model, given = moved(bottlenecks_at_test=False), clips()
    late = create("mbt_tiny", fusion_layer=4).eval()
    late.load_state_dict(model.state_dict(), strict=False)
    with torch.no_grad():
        torch.testing.assert_close(model(**given).logits, late(**given).logits, rtol=0, atol=0)
        assert influence_of_audio(model) == 0
        assert influence_of_audio(model.train()) > 1e-2


def test_the_published_code_has_one_bottleneck_token_more() -> None:
    assert create("mbt_tiny", bottleneck_extra=True).bottleneck.shape[1] == 5
    assert create("mbt_tiny").bottleneck.shape[1] == 4


def test_shared_encoders_have_one_set_of_blocks() -> None:
    assert list(moved(share_encoder=True).blocks) == ["video"]
    assert influence_of_audio(moved(share_encoder=True)) > 1e-2


def test_pooled_tokens_leave_class_and_bottleneck_tokens_out() -> None:
    model = moved(pooling="gap")
    assert model.stems["audio"].pos_embed.shape[1] == 4 * 2
    encoded: dict[str, Tensor] = {}
    model.norm.register_forward_hook(lambda _, __, tokens: encoded.update({str(len(encoded)): tokens}))
    with torch.no_grad():
        output = model(**clips())
        assert [tokens.shape[1] for tokens in encoded.values()] == [2 * 2 * 2, 4 * 2]
        expected = model.head(encoded["1"].mean(dim=1))
    torch.testing.assert_close(output.modality_logits["audio"], expected)


def test_a_fresh_model_knows_nothing() -> None:
    """The head starts at zero: logits 0, binary cross-entropy ln 2, cross-entropy ln C."""
    torch.manual_seed(0)
    logits = create("mbt_tiny")(**clips()).logits
    assert logits.abs().max() == 0
    label = torch.tensor([1, 4, 9])
    torch.testing.assert_close(binary_cross_entropy(logits, label), torch.full((3,), 2.0).log())
    torch.testing.assert_close(cross_entropy(logits, label), torch.full((3,), 10.0).log())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"fusion_layer": 5}, "the fusion layer 5 is not between 0 and 4"),
        ({"num_bottlenecks": 0}, "at least one bottleneck token, not 0"),
        ({"modalities": ("smell",)}, "audio and video, not smell"),
        ({"fusion_layers": 2}, "`fusion_layers` is no setting of this model"),
        ({"image_size": 4}, "hold no patch"),
    ],
)
def test_impossible_settings_are_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        create("mbt_tiny", **overrides)


def test_inputs_of_another_shape_are_refused_in_words() -> None:
    given = clips()
    with pytest.raises(
        BadInputError, match=r"takes audio of 32x16 \(frames x mel bins\) a sample, not 16x32"
    ):
        moved()(audio=given["audio"].transpose(1, 2), video=given["video"])


def test_a_modality_the_model_was_not_built_for_is_refused() -> None:
    with pytest.raises(BadInputError, match="built without video"):
        moved(modalities=("audio",))(**clips())
