"""Attention by PyTorch's kernel, and by its products one by one in bfloat16 on a CPU."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from avtool.models.layers import attention
from avtool.models.layers.attention import Attention, attend


def parts(dtype: torch.dtype, queries: int = 9, keys: int = 9) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    sizes = (queries, keys, keys)
    return [torch.randn(3, 2, size, 16, generator=generator).to(dtype).requires_grad_() for size in sizes]


def with_gradients(found: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    weights = torch.linspace(-1, 1, found.numel()).reshape(found.shape)
    return [found.detach(), *torch.autograd.grad((found.float() * weights).sum(), inputs)]


@pytest.mark.parametrize("keys", [9, 13])
def test_in_bfloat16_values_and_gradients_are_those_of_the_kernel(keys: int) -> None:
    half, exact = parts(torch.bfloat16, keys=keys), parts(torch.float32, keys=keys)
    exact = [part.detach().float().requires_grad_() for part in half]
    ours = with_gradients(attend(*half), half)
    kernel = with_gradients(scaled_dot_product_attention(*half), half)
    wanted = with_gradients(scaled_dot_product_attention(*exact), exact)
    for one, other, truth in zip(ours, kernel, wanted, strict=True):
        assert one.dtype == torch.bfloat16
        error, bound = (float((side.float() - truth).abs().max()) for side in (one, other))
        assert error < 2 * bound + 2**-8 * float(truth.abs().max()), "no coarser than bfloat16"


def test_the_kernel_takes_float32_and_what_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = parts(torch.float32)
    assert torch.equal(attend(*exact), scaled_dot_product_attention(*exact))
    half = parts(torch.bfloat16)
    kernel = scaled_dot_product_attention(*half)
    assert not torch.equal(attend(*half), kernel)
    for name, most in (("_MOST_WEIGHTS", 3 * 2 * 9 * 9 - 1), ("_MOST_POSITIONS", 8)):
        with monkeypatch.context() as patch:
            patch.setattr(attention, name, most)
            assert torch.equal(attend(*half), kernel)


@torch.no_grad()
def test_the_layer_takes_the_products_unless_a_mask_or_dropout_forbids_it() -> None:
    """Over a context too; a mask of ones is the same attention by the kernel."""
    torch.manual_seed(0)
    layer, tokens, context = (
        Attention(32, 4, dropout=0.5).eval(),
        torch.randn(2, 9, 32),
        torch.randn(2, 3, 32),
    )
    for more, length in ((None, 9), (context, 12)):
        exact = layer(tokens, more)
        assert torch.equal(exact, layer(tokens, more, torch.ones(2, length, dtype=torch.bool))), "in float32"
        with torch.autocast("cpu", torch.bfloat16):
            products = layer(tokens, more)
            kernel = layer(tokens, more, torch.ones(2, length, dtype=torch.bool))
        assert not torch.equal(products, kernel)
        assert float((products.float() - exact).abs().max()) < 2**-6
    with torch.autocast("cpu", torch.bfloat16):
        assert layer.train()(tokens).eq(0).float().mean() > 0.4, "dropout"
