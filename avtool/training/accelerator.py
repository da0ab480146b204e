"""Process-wide settings of a training, and the processes that train together.

Accelerate (Gugger et al., 2022) runs the same loop in one process, on several GPUs or machines (DDP, FSDP):
whatever `accelerate launch` or `torchrun` set up is taken over here.
"""

import atexit
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from accelerate.state import AcceleratorState, PartialState  # type: ignore[import-untyped]
from accelerate.utils import (  # type: ignore[import-untyped]
    DistributedDataParallelKwargs,
    GradientAccumulationPlugin,
)
from torch import nn

from avtool.core.errors import MissingError
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.models.bf16_self_test import guard_convolutions, needs_guard
from avtool.models.runtime import choose_device, choose_precision, keep_freed_memory

_GLOO_SECONDS = 0.3


def start(
    recipe: RuntimeRecipe, model: nn.Module, reporter: Reporter, *, takes_turns: bool = False
) -> Accelerator:
    """Chooses device and precision, reports them, and joins the processes.

    Args:
        recipe: where and how to compute.
        model: the network; its size decides the precision on a CPU.
        reporter: receives the choices.
        takes_turns: whether some parameters get no gradient in some phase of a step.

    Raises:
        MissingError: a device or a compiler is wanted that is not there.
    """
    device = choose_device(recipe.device)
    precision = choose_precision(recipe.precision, device.value, model)
    if recipe.compile and not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
        raise MissingError(
            "torch.compile needs a C++ compiler", "apt-get install g++, or set runtime.compile = false"
        )
    unused = recipe.unused_parameters or takes_turns
    accelerator = _accelerator(device.value, precision.value, unused_parameters=unused)
    if device.value == "cpu":
        keep_freed_memory()
    if accelerator.is_main_process:
        reporter.info(f"device: {device}; precision: {precision}")
        if accelerator.num_processes > 1:
            reporter.info(f"{accelerator.num_processes} processes ({accelerator.distributed_type.value})")
        reporter.detail(_details(device.value, recipe))
    if needs_guard(device.value, precision.value):
        guard_convolutions(model, reporter.warn)
    return accelerator


def _accelerator(device: str, precision: str, *, unused_parameters: bool) -> Accelerator:
    # Accelerate keeps one state a process, and would refuse a second run with another device or precision
    AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001
    with _environment(ACCELERATE_TORCH_DEVICE=device if ":" in device else None):
        accelerator = Accelerator(
            cpu=device == "cpu",
            mixed_precision="no" if precision == "fp32" else precision,
            gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),  # the loop accumulates
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=unused_parameters)],
        )
    if accelerator.num_processes > 1:
        atexit.register(leave_process_group)
    return accelerator


def leave_process_group() -> None:
    """Destroys the process group of a process that ends.

    gloo's threads take the GIL to let go of the tensors of the last collectives, and abort a process whose
    interpreter ends meanwhile ("terminate called without an active exception"): they get the time for it.
    """
    is_gloo = torch.distributed.is_initialized() and "gloo" in torch.distributed.get_backend()
    PartialState().destroy_process_group()
    if is_gloo:
        time.sleep(_GLOO_SECONDS)


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


def _details(device: str, recipe: RuntimeRecipe) -> str:
    parts = [f"torch {torch.__version__}", f"{recipe.threads or torch.get_num_threads()} CPU threads"]
    if device != "cpu":
        parts.append(f"fp32 matrix products in {'TF32' if recipe.tf32 else 'full fp32'}")
    kernel = "its blocked kernel" if device == "cpu" else "flash, cuDNN or memory-efficient, as it fits"
    parts.append(f"attention by scaled_dot_product_attention ({kernel})")
    return "; ".join(parts)
