"""The memory of a training step, estimated: what is kept of it is counted on tensors without content."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from avtool.core.errors import AvtoolError
from avtool.training.plan import refuse_lone_values
from avtool.training.recipe import TrainRecipe

_FLOAT = 4
_MOMENTS = {"adamw": 2, "adam": 2, "sgd": 1, "lars": 1}


@dataclass(frozen=True)
class StepMemory:
    """The memory of a training step in one process, in MiB; temporary buffers come on top.

    Attributes:
        state: weights, gradients, the optimiser's moments, and an average of the weights where there is one.
        activations: what the backward pass needs of the forward pass. None where it was not counted.
    """

    state: float
    activations: float | None


def estimate_memory(
    recipe: TrainRecipe,
    model: nn.Module,
    build: Callable[[], nn.Module],
    example: Callable[[], Mapping[str, Tensor] | None],
    counted: int | None = None,
    *,
    bf16: bool = False,
) -> StepMemory:
    """Estimates the memory of a step; nothing is computed.

    Args:
        recipe: of the training.
        model: the network, which may be on the meta device.
        build: builds it again.
        example: makes a batch of its inputs, or None where that is not known.
        counted: bytes that a batch's forward pass keeps in fp32, where the task has counted them.
        bf16: whether activations are those of mixed precision on a CPU, instead of those of fp32.

    Raises:
        BadInputError: a batch is too small for the network's batch norms.
    """
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    copies = 1 + _MOMENTS[recipe.optimizer.name] + bool(recipe.ema.decay) + bool(recipe.average.first_epoch)
    weights = sum(value.numel() for value in [*model.parameters(), *model.buffers()])
    if counted is None:
        activations = _activations(build, example, bf16=bf16)
    else:
        activations = counted // 2 if bf16 else counted
    return StepMemory(
        round(_FLOAT * (weights + copies * trained) / 2**20, 1),
        None if activations is None else round(activations / 2**20, 1),
    )


def _activations(
    build: Callable[[], nn.Module], example: Callable[[], Mapping[str, Tensor] | None], *, bf16: bool
) -> int | None:
    """Bytes that a forward pass keeps for the backward pass, on tensors without content."""
    try:
        with torch.device("meta"):
            given = example()
        if given is None:
            return None
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        model = _without_content(build, mode).train()
        with mode, torch.autocast("cpu", torch.bfloat16, enabled=bf16), refuse_lone_values():
            batch = {
                name: None if value is None else torch.empty_like(value, device="cpu")
                for name, value in given.items()
            }
            return kept_bytes(model, lambda: model(**batch))
    except (RuntimeError, NotImplementedError):  # an operation that needs values
        return None


def _without_content(build: Callable[[], nn.Module], mode: FakeTensorMode) -> nn.Module:
    """The network with tensors without content, as if on the CPU."""
    try:
        with mode:
            return build()
    except (RuntimeError, AvtoolError):  # it reads a value of a tensor while it is built
        with torch.device("meta"):
            model = build()
        with mode:
            return model.to_empty(device="cpu")


def kept_bytes(model: nn.Module, forward: Callable[[], object]) -> int:
    """Bytes that a forward pass keeps for the backward pass: each storage once, the weights aside."""
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage  # noqa: SLF001 - the storage's identity has no other name
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        forward()
    own = {value.untyped_storage()._cdata for value in [*model.parameters(), *model.buffers()]}  # noqa: SLF001
    return sum(storage.nbytes() for identity, storage in kept.items() if identity not in own)
