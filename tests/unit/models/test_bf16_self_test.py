"""The self-test of convolutions in bf16: a kernel that reads what it should not is found, and goes round."""

import copy

import pytest
import torch
from torch import Tensor, nn

from avtool.core.environment import has_cpu_flag
from avtool.models.bf16_self_test import agrees_in_bf16, guard_convolutions, needs_guard
from avtool.models.runtime import choose_precision


class ReadsTooFar(nn.Conv2d):
    """A convolution whose bf16 kernel adds uninitialised memory where its input is at most two wide."""

    def forward(self, values: Tensor) -> Tensor:
        output = super().forward(values)
        half = values.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")
        if half and values.shape[-1] <= 2:
            return output + torch.randn_like(output)
        return output


def network(kind: type[nn.Conv2d]) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), kind(8, 4, 3, stride=2, padding=1))


@pytest.mark.parametrize("width", [1, 2, 3, 8])
def test_a_sound_convolution_passes_at_every_width(width: int) -> None:
    for layer in (nn.Conv2d(8, 4, 3, 2, 1), nn.Conv2d(8, 4, 1, 2), nn.Conv3d(8, 4, 3, 2, 1, bias=False)):
        shape = (2, 8, *(5 for _ in layer.kernel_size[1:]), width)
        assert agrees_in_bf16(layer, shape)


def test_a_faulty_kernel_fails_where_it_is_faulty() -> None:
    layer = ReadsTooFar(8, 4, 3, 2, 1)
    assert [agrees_in_bf16(layer, (2, 8, 5, width)) for width in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize("width", [2, 4])
def test_a_guarded_network_repeats_itself(width: int) -> None:
    model, lines = network(ReadsTooFar), list[str]()
    guard_convolutions(model, lines.append)
    guard_convolutions(model, lines.append)  # a second call changes nothing
    values = torch.randn(2, 3, 6, width)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = [model(values) for _ in range(3)]
        assert torch.is_autocast_enabled("cpu")
    assert all(torch.equal(one, found[0]) for one in found)
    torch.testing.assert_close(found[0].float(), network(nn.Conv2d)(values), rtol=0.05, atol=0.05)
    assert lines == (["`2` fails its bf16 self-test on 8x6x2 inputs: in fp32 there"] if width == 2 else [])


def test_it_trains_and_its_copies_do_too() -> None:
    model = network(ReadsTooFar)
    guard_convolutions(model, lambda _: None)
    copied = copy.deepcopy(model)
    values = torch.randn(2, 3, 6, 2)
    gradients = []
    for one in (model, copied, copied):
        one.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            one(values).float().square().mean().backward()
        gradients.append([parameter.grad.clone() for parameter in one.parameters()])
    for others in gradients[1:]:
        for one, other in zip(gradients[0], others, strict=True):
            assert torch.equal(one, other)


def test_the_context_is_left_after_an_error() -> None:
    model = network(ReadsTooFar)
    guard_convolutions(model, lambda _: None)
    with torch.autocast("cpu", torch.bfloat16):
        model(torch.randn(2, 3, 6, 2))
        with pytest.raises(RuntimeError):
            model[2](torch.randn(2, 5, 6, 2))
        assert torch.is_autocast_enabled("cpu")


def test_only_processors_with_the_kernels_are_guarded() -> None:
    able = has_cpu_flag("amx_bf16")
    assert needs_guard("cpu", "bf16") is able
    assert not needs_guard("cpu", "fp32")
    assert not needs_guard("cuda", "bf16")


@pytest.mark.skipif(not has_cpu_flag("amx_bf16"), reason="the CPU has no AMX for bf16")
def test_real_kernels_are_guarded() -> None:
    """On such a CPU: 378 shapes of strided convolutions, each computed three times the same."""
    shapes = 0
    for channels in (3, 16, 64):
        for kernel in (1, 2, 3):
            for stride in (2, 3):
                layer = nn.Conv2d(channels, 32, kernel, stride, padding=kernel // 2)
                model = nn.Sequential(layer)
                guard_convolutions(model, lambda _: None)
                for width in (1, 2, 3):
                    for height in (1, 2, 3, 5, 8, 13, 64):
                        values = torch.randn(2, channels, height, width)
                        if kernel > min(height, width) + 2 * (kernel // 2):
                            continue
                        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                            one, other = model(values), model(values)
                        assert torch.equal(one, other), (channels, kernel, stride, height, width)
                        shapes += 1
    assert shapes > 300
    assert choose_precision("auto", "cpu", nn.Linear(1000, 1000)).value == "bf16"
