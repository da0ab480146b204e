"""A guard of memory: a training whose step does not fit is named before its data are read."""

import os
from typing import Any

import torch
from torch import nn

from avtool.core.errors import AvtoolError, BadInputError, MissingError
from avtool.core.memory_limit import memory_limit
from avtool.core.reporter import Reporter
from avtool.models.runtime import choose_device, choose_precision
from avtool.training.memory import StepMemory, estimate_memory
from avtool.training.recipe import TrainRecipe
from avtool.training.task import Task

_TEMPORARY = 0.9
"""Temporary buffers beside the activations, at most."""
_SURELY = 1.25
"""How many times the memory that there is an estimate must be to be refused."""


def check_memory(task: Task[Any], reporter: Reporter) -> None:
    """Warns of a training whose step may not fit into memory, and refuses one that surely does not.

    The estimate is near a lower bound: on a CPU, a training took 1.0 to 1.1 times as much where most of it is
    state (AST and PVDM's autoencoder at published size, bf16 and fp32), up to 1.8 times where most of it is
    activations (tiny autoencoders), and up to 0.2 GiB whatever its size. On CUDA nothing is refused: there
    torch's own error names the batch.

    Args:
        task: what is trained.
        reporter: receives the warning.

    Raises:
        BadInputError: the estimate is far above what the machine and its control groups leave.
        MissingError: the device is not there.
    """
    recipe = task.recipe
    device = choose_device(recipe.runtime.device).value
    limit = _limit(device)
    if limit is None or not recipe.loop.check_memory or "ACCELERATE_USE_FSDP" in os.environ:
        return
    try:
        counted = task.kept_bytes()
        with torch.device("meta"):
            model, _ = task.build()
        memory = _estimate(task, model, device, counted)
    except (AvtoolError, RuntimeError, NotImplementedError, TypeError, ValueError):
        return  # what does not fit together is named by the training itself
    if problem := _judge(recipe, memory, limit):
        message, hint = problem
        if device == "cpu" and _sum(memory) > _SURELY * limit:
            raise BadInputError(message, f"{hint}; --set loop.check_memory=false tries it all the same")
        reporter.warn(f"{message}: {hint}")


def plan_memory(task: Task[Any], model: nn.Module, reporter: Reporter) -> StepMemory:
    """The memory of a step of a planned training, with a warning where this machine has too little.

    Args:
        task: what would be trained.
        model: its network, on the meta device.
        reporter: receives the warning.

    Raises:
        BadInputError: a batch is too small for the network's batch norms.
    """
    counted = task.kept_bytes()
    try:
        device = choose_device(task.recipe.runtime.device).value
    except MissingError:  # planned for another machine
        return _estimate(task, model, "", counted)
    memory, limit = _estimate(task, model, device, counted), _limit(device)
    if limit is not None and (problem := _judge(task.recipe, memory, limit)):
        reporter.warn(": ".join(problem))
    return memory


def _estimate(task: Task[Any], model: nn.Module, device: str, counted: int | None) -> StepMemory:
    """The estimate in the precision of the training; fp32 where the device is unknown."""
    recipe = task.recipe
    half = bool(device) and choose_precision(recipe.runtime.precision, device, model).value != "fp32"
    on_cpu = half and device == "cpu"
    found = estimate_memory(recipe, model, lambda: task.build()[0], task.example, counted, bf16=on_cpu)
    if half and not on_cpu and found.activations is not None:
        return StepMemory(found.state, found.activations / 2)
    return found


def _judge(recipe: TrainRecipe, memory: StepMemory, limit: float) -> tuple[str, str] | None:
    """What does not fit, and what to do."""
    activations, loop = memory.activations or 0.0, recipe.loop
    most = memory.state + (1 + _TEMPORARY) * activations
    if most <= limit:
        return None
    message = f"a step needs about {_sum(memory) / 1024:.1f} to {most / 1024:.1f} GiB of memory"
    message += f", and {limit / 1024:.1f} GiB are available"
    room = (limit - memory.state) / (1 + _TEMPORARY)
    fits = int(room * loop.batch_size / activations) if activations else 0
    if not 0 < fits < loop.batch_size:
        return message, "choose a smaller recipe, or smaller inputs"
    steps = -(-loop.batch_size * loop.accumulate // fits)
    return message, f"--batch-size {fits} --set loop.accumulate={steps} fits"


def _sum(memory: StepMemory) -> float:
    return memory.state + (memory.activations or 0.0)


def _limit(device: str) -> float | None:
    """MiB that this process can hold on its device; the processes of a machine share its memory."""
    if device == "cpu":
        limit = memory_limit()
        return None if limit is None else limit / int(os.environ.get("LOCAL_WORLD_SIZE", "1")) / 2**20
    index = int(device.partition(":")[2] or os.environ.get("LOCAL_RANK", "0"))
    return float(torch.cuda.mem_get_info(index)[0] + torch.cuda.memory_reserved(index)) / 2**20
