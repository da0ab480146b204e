"""The gradients of MBT: right, everywhere, and the same when activations are recomputed."""

from typing import Any

import pytest
import torch
from torch import Tensor

from avtool.models.mbt.mbt import MBT
from avtool.models.registry import create

torch.set_num_threads(1)  # tiny matrices: threads would only wait for each other
VARIANTS = [
    {"fusion": "bottleneck"},
    {"fusion": "bottleneck", "fusion_layer": 4},
    {"fusion": "bottleneck", "bottleneck_update": "sequential"},
    {"fusion": "shared"},
    {"fusion": "cross"},
    {"share_encoder": True},
    {"pooling": "gap"},
]


def clips(dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    audio = torch.randn(2, 32, 16, generator=generator, dtype=dtype)
    return {"audio": audio, "video": torch.randn(2, 3, 4, 16, 16, generator=generator, dtype=dtype)}


def with_head(**overrides: Any) -> MBT:
    torch.manual_seed(0)
    model: MBT = create("mbt_tiny", **overrides)  # type: ignore[assignment]
    torch.nn.init.normal_(model.head.weight)
    return model


@pytest.mark.parametrize("overrides", VARIANTS, ids=str)
def test_every_parameter_learns_but_the_key_biases(overrides: dict[str, Any]) -> None:
    """A bias on all keys shifts each row of scores by a constant, which softmax does not see."""
    model = with_head(**overrides).double()
    model(**clips(torch.float64)).logits.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if name.endswith("qkv.bias"):
            query, key, value = parameter.grad.chunk(3)
            assert key.abs().max() < 1e-12, name
            assert min(query.abs().max(), value.abs().max()) > 0, name
        else:
            assert parameter.grad.abs().max() > 0, name


def test_behind_a_fresh_head_the_encoder_does_not_learn_at_the_first_step() -> None:
    torch.manual_seed(0)
    model = create("mbt_tiny")
    torch.nn.functional.cross_entropy(model(**clips()).logits, torch.tensor([0, 1])).backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad.abs().max() > 0) == name.startswith("head."), name


def test_one_layer_of_bottleneck_passes_the_numerical_check() -> None:
    model = with_head(embed_dim=4, num_heads=2, mlp_dim=6, depth=2, fusion_layer=0, num_classes=2).double()
    given = clips(torch.float64)
    streams = {
        name: model.stems[name](value).detach()[:1, :3].requires_grad_() for name, value in given.items()
    }
    present = dict.fromkeys(streams)

    def encode(video: Tensor, audio: Tensor, bottleneck: Tensor) -> tuple[Tensor, ...]:
        model.__dict__["bottleneck"] = bottleneck
        return tuple(model.encode({"video": video, "audio": audio}, present).values())

    bottleneck = model.bottleneck.detach().clone().requires_grad_()
    del model.bottleneck
    assert torch.autograd.gradcheck(encode, (streams["video"], streams["audio"], bottleneck))


@pytest.mark.parametrize("fusion", ["bottleneck", "shared", "cross"])
def test_recomputed_activations_give_the_same_gradients(fusion: str) -> None:
    gradients = []
    for recompute in (False, True):
        model = with_head(fusion=fusion, recompute=recompute, dropout=0.1, drop_path=0.2)
        torch.manual_seed(1)
        model(**clips()).logits.square().sum().backward()
        gradients.append({name: parameter.grad for name, parameter in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)
