"""The network and its objective as one module, and its weights by name.

Under FSDP every process holds a shard: then all of them gather and scatter together, and the files are the
same as those of one process.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import Tensor, nn

from avtool.core.errors import CorruptArtifactError
from avtool.training.task import Objective

Result = TypeVar("Result")

MODEL, OBJECTIVE = "model.", "objective."
"""The prefixes of the model's and of the objective's own names in the whole."""


class Net(nn.Module):
    """Model and objective together.

    DDP and FSDP do their work around `forward`. An objective may call any method of the model, so it is
    handed in and runs inside.

    Args:
        model: the network to save.
        objective: kept here where it is a module, for its own parameters.
    """

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model = model
        if isinstance(objective, nn.Module):
            self.objective = objective

    def forward(self, work: Callable[[nn.Module], Result]) -> Result:
        """Runs `work` on the model."""
        return work(self.model)


def only_model(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The model's share of the weights, under its own names."""
    return {name.removeprefix(MODEL): value for name, value in weights.items() if name.startswith(MODEL)}


def gather_weights(net: nn.Module, *, sharded: bool) -> dict[str, Tensor]:
    """The weights by name."""
    if not sharded:
        return dict(net.state_dict())
    from torch.distributed.checkpoint.state_dict import get_model_state_dict

    weights: dict[str, Any] = get_model_state_dict(net, options=full_state())
    return weights


def scatter_weights(net: nn.Module, weights: Mapping[str, Tensor], *, sharded: bool) -> None:
    """Puts weights by name into the network.

    Raises:
        CorruptArtifactError: they belong to another network.
    """
    try:
        if sharded:
            from torch.distributed.checkpoint.state_dict import set_model_state_dict

            set_model_state_dict(net, dict(weights), options=full_state())
        else:
            net.load_state_dict(dict(weights))
    except RuntimeError as error:
        message = f"the checkpoint belongs to another network: {' '.join(str(error).split())[:300]}"
        raise CorruptArtifactError(message, "use --overwrite, or another --out folder") from error


def whole(value: Tensor) -> Tensor:
    """A tensor in full, of which each process may hold a part."""
    gather = getattr(value, "full_tensor", None)
    full: Tensor = gather() if gather else value
    return full


def full_state() -> Any:
    """Torch's option for whole tensors on the CPU, whatever a process holds."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions

    return StateDictOptions(full_state_dict=True, cpu_offload=True)
