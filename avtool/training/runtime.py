"""Device, precision and process-wide settings, each chosen with a reason that is told.

Accelerate (Gugger et al., 2022) runs the same loop in one process, on several GPUs or machines (DDP, FSDP):
whatever `accelerate launch` or `torchrun` set up is taken over here.
"""

import atexit
import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from accelerate.state import AcceleratorState, PartialState  # type: ignore[import-untyped]
from accelerate.utils import (  # type: ignore[import-untyped]
    DistributedDataParallelKwargs,
    GradientAccumulationPlugin,
)
from torch import nn

from avtool.core.errors import BadInputError, MissingError
from avtool.core.reporter import Reporter
from avtool.training.recipe import RuntimeRecipe

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
        return Choice("cpu", "asked for")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        if os.environ.get("ACCELERATE_USE_CPU", "").lower() in {"1", "true", "yes"}:
            return Choice("cpu", "asked for by accelerate launch")
        return Choice("cuda", _gpu_name(0)) if count else Choice("cpu", "no CUDA device found")
    index = int(wanted.partition(":")[2] or 0)
    if index >= count:
        found = f"this machine has {count} CUDA devices" if count else "no CUDA device found"
        raise MissingError(f"cannot use --device {wanted}: {found}", "use --device cpu")
    if ":" in wanted and launched_processes() > 1:
        message = f"--device {wanted} is one device, and {launched_processes()} processes were launched"
        raise BadInputError(message, "use --device cuda: each process takes its own")
    return Choice(wanted, f"asked for; {_gpu_name(index)}")


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
        return Choice(wanted, "asked for")
    if not on_cpu:
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Choice("bf16", "the GPU has it")
        return Choice("fp32", "the GPU has no bf16; --precision fp16 is faster")
    able = [name for name in ("amx_bf16", "avx512_bf16") if torch.cpu.get_capabilities().get(name)]
    if not able:
        return Choice("fp32", "the CPU has no fast bf16")
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    convolutions = (module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Conv3d))
    in_convolutions = sum(module.weight.numel() for module in convolutions)
    if num_parameters + (_CONVOLUTION - 1) * in_convolutions < _WORTH_BF16:
        return Choice("fp32", f"bf16 does not pay for {num_parameters / 1e6:.2f} M parameters")
    return Choice("bf16", f"the CPU has {able[0]}")


def launched_processes() -> int:
    """How many processes train together, as their launcher says."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def start(recipe: RuntimeRecipe, model: nn.Module, reporter: Reporter) -> Accelerator:
    """Settles device and precision, tells them, and brings the processes together.

    Raises:
        MissingError: a device or a compiler is wanted that is not there.
    """
    device = choose_device(recipe.device)
    precision = choose_precision(recipe.precision, device.value, model)
    if recipe.compile and not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
        raise MissingError(
            "torch.compile needs a C++ compiler", "apt-get install g++, or leave out --compile"
        )
    accelerator = _accelerator(device.value, precision.value, recipe)
    if device.value == "cpu":
        keep_freed_memory()
    if accelerator.is_main_process:
        reporter.info(f"device: {device}; precision: {precision}")
        if accelerator.num_processes > 1:
            reporter.info(f"{accelerator.num_processes} processes ({accelerator.distributed_type.value})")
        reporter.detail(_details(device.value, recipe))
    return accelerator


def _accelerator(device: str, precision: str, recipe: RuntimeRecipe) -> Accelerator:
    # Accelerate keeps one state a process, and would refuse a second run with another device or precision
    AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001
    with _environment(ACCELERATE_TORCH_DEVICE=device if ":" in device else None):
        accelerator = Accelerator(
            cpu=device == "cpu",
            mixed_precision="no" if precision == "fp32" else precision,
            gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),  # the loop accumulates
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=recipe.unused_parameters)],
        )
    if accelerator.num_processes > 1:
        atexit.register(PartialState().destroy_process_group)
    return accelerator


@contextmanager
def _environment(**values: str | None) -> Iterator[None]:
    old = {name: os.environ.get(name) for name in values}
    given = {name: value for name, value in values.items() if value is not None}
    os.environ.update(given)
    try:
        yield
    finally:
        for name in given:
            os.environ.pop(name)
            if (value := old[name]) is not None:
                os.environ[name] = value


def keep_freed_memory() -> None:
    """Lets glibc's allocator keep what it is given back, for the next step takes as much.

    By default it returns large blocks to the kernel, which must then clear each page anew in every step: up
    to a fifth of a small network's training time. Other C libraries have no such switch, and need none.
    """
    trim_threshold, mmap_threshold = -1, -3  # their numbers in <malloc.h>
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)


@contextmanager
def process_settings(recipe: RuntimeRecipe, device: torch.device) -> Iterator[None]:
    """Applies threads, TF32 and determinism inside the block, and puts back what was set before."""
    threads, matmul = torch.get_num_threads(), torch.get_float32_matmul_precision()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high" if recipe.tf32 else "highest")
    if recipe.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(matmul)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)


def place(model: nn.Module, recipe: RuntimeRecipe, device: torch.device) -> None:
    """Moves a model to the device, in the layout that its convolutions prefer, and compiles it on request."""
    model.to(device)
    for module in model.modules():  # one by one: a model may convolve videos too, which have another layout
        if recipe.channels_last and isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if recipe.compile:
        model.compile()


def default_workers() -> int:
    """Loader processes of a process: its share of the processors but one, at most eight."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return min(8, max(0, len(os.sched_getaffinity(0)) // local - 1))


def _details(device: str, recipe: RuntimeRecipe) -> str:
    parts = [f"torch {torch.__version__}", f"{recipe.threads or torch.get_num_threads()} CPU threads"]
    if device != "cpu":
        parts.append(f"fp32 matrix products in {'TF32' if recipe.tf32 else 'full fp32'}")
    kernel = "its blocked kernel" if device == "cpu" else "flash, cuDNN or memory-efficient, as it fits"
    parts.append(f"attention by scaled_dot_product_attention ({kernel})")
    return "; ".join(parts)


def _gpu_name(index: int) -> str:
    return torch.cuda.get_device_name(index)
