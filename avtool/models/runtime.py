"""Device and precision, each chosen with a reason that is reported; placement of a model on its device."""

import ctypes
import os
from dataclasses import dataclass

import torch
from torch import nn

from avtool.core.environment import has_cpu_flag
from avtool.core.errors import BadInputError, MissingError
from avtool.core.runtime import RuntimeRecipe

_WORTH_BF16 = 250_000
"""Parameters below which the casts of bf16 cost more than its arithmetic saves, as measured on a CPU."""

_CONVOLUTION = 2.5
"""As how many parameters one of a convolution counts there: it is used at more places."""


@dataclass(frozen=True)
class Choice:
    """A decision, and why."""

    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.value} ({self.reason})"


def choose_device(wanted: str) -> Choice:
    """The device to compute on.

    Args:
        wanted: auto, cpu, cuda or cuda:1.

    Raises:
        MissingError: a CUDA device is wanted that this machine does not have.
        BadInputError: one device is wanted for several processes.
    """
    if wanted == "cpu":
        return Choice("cpu", "requested")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        if os.environ.get("ACCELERATE_USE_CPU", "").lower() in {"1", "true", "yes"}:
            return Choice("cpu", "requested by accelerate launch")
        return Choice("cuda", _gpu_name(0)) if count else Choice("cpu", "no CUDA device found")
    index = int(wanted.partition(":")[2] or 0)
    if index >= count:
        found = f"this machine has {count} CUDA devices" if count else "no CUDA device found"
        raise MissingError(f"cannot use --device {wanted}: {found}", "use --device cpu")
    if ":" in wanted and launched_processes() > 1:
        message = f"--device {wanted} is one device, and {launched_processes()} processes were launched"
        raise BadInputError(message, "use --device cuda: each process takes its own")
    return Choice(wanted, f"requested; {_gpu_name(index)}")


def choose_precision(wanted: str, device: str, model: nn.Module) -> Choice:
    """The precision of the heavy operations.

    Args:
        wanted: auto, fp32, bf16 or fp16.
        device: where they run.
        model: whose size decides whether casts pay on a CPU.

    Raises:
        BadInputError: fp16 is wanted on a CPU.
    """
    on_cpu = device == "cpu"
    if wanted == "fp16" and on_cpu:
        raise BadInputError("fp16 needs a CUDA device", "use --precision bf16 or fp32")
    if wanted != "auto":
        return Choice(wanted, "requested")
    if not on_cpu:
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Choice("bf16", "the GPU has it")
        return Choice("fp32", "the GPU has no bf16; --precision fp16 is faster")
    able = [name for name in ("amx_bf16", "avx512_bf16") if has_cpu_flag(name)]
    if not able:
        return Choice("fp32", "the CPU has no fast bf16")
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    convolutions = (module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Conv3d))
    in_convolutions = sum(module.weight.numel() for module in convolutions)
    if num_parameters + (_CONVOLUTION - 1) * in_convolutions < _WORTH_BF16:
        return Choice("fp32", f"bf16 does not pay for {num_parameters / 1e6:.2f} M parameters")
    return Choice("bf16", f"the CPU has {able[0]}")


def launched_processes() -> int:
    """How many processes train together, from the launcher's environment."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def keep_freed_memory() -> None:
    """Lets glibc's allocator keep what it is given back, for the next step takes as much.

    By default it returns large blocks to the kernel, which clears each page again in every step: up
    to a fifth of a small network's training time. Other C libraries have no such switch, and need none.
    """
    trim_threshold, mmap_threshold = -1, -3  # their numbers in <malloc.h>
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)


def place(model: nn.Module, recipe: RuntimeRecipe, device: torch.device) -> None:
    """Moves a model to the device, in the layout that its convolutions prefer, and compiles it on request.

    A model whose `channels_last_on_cpu` is false keeps the plain layout on CPUs.
    """
    model.to(device)
    fits = device.type != "cpu" or getattr(model, "channels_last_on_cpu", True)
    for module in model.modules():  # one by one: a model may convolve videos too, which have another layout
        if recipe.channels_last and fits and isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if recipe.compile:
        model.compile()


def default_workers() -> int:
    """Loader processes of a process: its share of the processors but one, at most eight."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return min(8, max(0, len(os.sched_getaffinity(0)) // local - 1))


def _gpu_name(index: int) -> str:
    return torch.cuda.get_device_name(index)
