"""A self-test of strided convolutions in bf16 on CPUs, and fp32 for those that fail it.

On CPUs with AMX, torch 2.11's strided convolutions in bf16 read uninitialised memory for some inputs of width
1 or 2: the same file gives other scores in every run. Each layer is tested on the shapes that it meets, once.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from avtool.core.environment import has_cpu_flag

_TRIALS = 3
_TOLERANCE = 0.05
"""Largest difference to fp32, as a share of the largest value: eight bits of mantissa lose far less."""
_LARGEST_BATCH = 4
_JUNK = (1 << 8, 1 << 12, 1 << 16, 1 << 20)  # values that lie where a faulty kernel may read

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d


def needs_guard(device: str, precision: str) -> bool:
    """Whether a choice of device and precision computes by kernels that may be faulty."""
    return device == "cpu" and precision == "bf16" and has_cpu_flag("amx_bf16")


def guard_convolutions(model: nn.Module, report: Callable[[str], None]) -> None:
    """Makes strided convolutions test themselves under autocast to bf16, and compute in fp32 where they fail.

    Args:
        model: changed in place, by hooks that its copies share.
        report: gets a line for each shape of a layer that fails.
    """
    for name, module in model.named_modules():
        if isinstance(module, Convolution) and max(module.stride) > 1 and not hasattr(module, "bf16_passes"):
            module.bf16_passes = {}  # type: ignore[assignment]
            module.register_forward_pre_hook(_Guard(name, report))
            module.register_forward_hook(_leave, always_call=True)


def agrees_in_bf16(convolution: Convolution, shape: tuple[int, ...]) -> bool:
    """Whether a convolution in bf16 gives what it gives in fp32, in every trial the same, with its gradients.

    Args:
        convolution: the layer; its parameters are not changed.
        shape: of its input.
    """
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(min(shape[0], _LARGEST_BATCH), *shape[1:], generator=generator).bfloat16()
    with torch.enable_grad():
        expected = _results(convolution, values.float(), torch.float32)
        found = []
        for _ in range(_TRIALS):
            _leave_junk()
            found.append(_results(convolution, values, torch.bfloat16))
    same = all(torch.equal(one, other) for trial in found for one, other in zip(trial, found[0], strict=True))
    return same and all(
        bool(one.isfinite().all())
        and float((one - other).abs().max()) <= _TOLERANCE * float(other.abs().max())
        for one, other in zip(found[0], expected, strict=True)
    )


def _results(convolution: Convolution, values: Tensor, kind: torch.dtype) -> list[Tensor]:
    """Output, gradient of the input and of the weights, in fp32."""
    values = values.detach().clone().requires_grad_()
    weights = {
        name: parameter.detach().bfloat16().to(kind).requires_grad_()
        for name, parameter in convolution.named_parameters()
    }
    with torch.autocast("cpu", enabled=False):
        output = torch.func.functional_call(convolution, weights, (values,))
        loss = (output.float() ** 2).mean()
        gradients = torch.autograd.grad(loss, [values, *weights.values()])
    return [one.detach().float() for one in (output, *gradients)]


def _leave_junk() -> None:
    """Fills memory that is free for the next tensors with what would be seen."""
    junk = [torch.full((count,), float("nan"), dtype=torch.bfloat16) for count in _JUNK]
    del junk


class _Guard:
    """Runs before a convolution: turns autocast off for shapes that it fails on."""

    def __init__(self, name: str, report: Callable[[str], None]) -> None:
        self.name = name
        self.report = report

    def __call__(self, module: Any, given: tuple[Any, ...]) -> tuple[Any, ...] | None:
        values = given[0]
        is_half = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
        if values.device.type != "cpu" or not is_half or module.bf16_passes is None:
            return None
        shape = (min(len(values), _LARGEST_BATCH), *values.shape[1:])
        if shape not in module.bf16_passes:
            known, module.bf16_passes = module.bf16_passes, None  # the test itself runs the layer
            passes = agrees_in_bf16(module, shape)
            module.bf16_passes = {**known, shape: passes}
            if not passes:
                size = "x".join(map(str, shape[1:]))
                self.report(f"`{self.name}` fails its bf16 self-test on {size} inputs: in fp32 there")
        if module.bf16_passes[shape]:
            return None
        module.without_autocast = torch.autocast("cpu", enabled=False)
        module.without_autocast.__enter__()
        return (values.float(), *given[1:])


def _leave(module: Any, _given: Any, _output: Any) -> None:
    context = module.__dict__.pop("without_autocast", None)
    if context is not None:
        context.__exit__(None, None, None)
