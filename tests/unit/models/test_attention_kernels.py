"""Attention by PyTorch's kernel, and by its products one by one in bfloat16 on a CPU."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from avtool.models.layers import attention
from avtool.models.layers.attention import attend


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
    monkeypatch.setattr(attention, "_MOST_WEIGHTS", 3 * 2 * 9 * 9 - 1)
    assert torch.equal(attend(*half), scaled_dot_product_attention(*half))
