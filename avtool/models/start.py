"""Starting weights: a network begun from a model, a run or a checkpoint file, whoever wrote it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter

if TYPE_CHECKING:
    from torch import nn


def load_start(
    model: "nn.Module",
    name: str,
    init: Path | None,
    reporter: Reporter,
    *,
    interpolate: bool = False,
) -> None:
    """Starts the network from a file of weights, whoever wrote it, and reports what was adapted.

    Args:
        model: the network.
        name: its registered name.
        init: a model, a run, or a checkpoint file; None leaves the network as it is.
        reporter: told what was adapted.
        interpolate: interpolate position embeddings to another length.

    Raises:
        BadInputError: the file is none, or does not fit the network.
    """
    if init is None:
        return
    from avtool.models.published.report import unwrap
    from avtool.models.registry import MODELS

    state = unwrap(_read_checkpoint(init))
    report = MODELS.find(name).family.load_weights(model, state, interpolate=interpolate)
    if len(report.missing) == len(model.state_dict()):
        message = f"`{init}` holds no weight of a `{name}`"
        raise BadInputError(message, "start from weights of the same architecture")
    reporter.info(f"started from `{init}`")
    for line in report.lines():
        reporter.info(f"weights: {line}")


def freeze_encoder(model: "nn.Module", name: str) -> None:
    """Leaves the head alone to be trained; all else stays as it is, its batch norms and dropout too.

    Raises:
        BadInputError: the model has no head of its own.
    """
    head = getattr(model, "head", None)
    if head is None:
        raise BadInputError(f"`{name}` has no last layer to train alone", "leave out --freeze")
    model.requires_grad_(False)
    head.requires_grad_(True)
    still = [child for child in model.children() if child is not head]

    def stay_still(*_: object) -> None:  # the loop sets the whole model into training mode
        for child in still:
            child.eval()

    model.register_forward_pre_hook(stay_still)


def weights_file(path: Path) -> Path:
    """The file with the weights of a model folder, of a run, or of a checkpoint file.

    Raises:
        BadInputError: there is none.
    """
    from avtool.models.model_folder import WEIGHTS, find_model

    if path.is_dir():
        return find_model(path) / WEIGHTS
    if not path.is_file():
        raise BadInputError(f"the weights `{path}` do not exist", "give a model, a run, or a checkpoint file")
    return path


def _read_checkpoint(path: Path) -> Mapping[str, object]:
    """The tensors of a file of weights; nothing but tensors is unpickled."""
    from avtool.models.model_folder import load_model, load_tensors, needs_frozen

    if path.is_dir() and needs_frozen(path):
        return load_model(path).model.state_dict()
    path = weights_file(path)
    if path.suffix == ".safetensors":
        return load_tensors(path)
    import torch

    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # an unpickler stumbles over anything in a file that is none
        message = f"`{path}` is no checkpoint of plain tensors"
        raise BadInputError(message, "convert it to .safetensors; other objects are not opened") from error
    if not isinstance(values, Mapping):
        raise BadInputError(f"`{path}` holds no named tensors", "give a checkpoint of model weights")
    return values
