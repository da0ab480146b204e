"""Initial weights from a model, a run, or a checkpoint file of any known layout."""

from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.load import Reader


def load_start(
    model: "nn.Module",
    name: str,
    init: Path | None,
    reporter: Reporter,
    *,
    interpolate: bool = False,
    read: "Reader | None" = None,
) -> None:
    """Loads initial weights into a network and reports what was adapted.

    Args:
        model: the network.
        name: its registered name.
        init: a model, a run, or a checkpoint file; None leaves the network as it is.
        reporter: gets a line for each adaptation.
        interpolate: interpolate position embeddings to another length.
        read: reads them into a part of the network; by default the network's family does, into all of it.

    Raises:
        BadInputError: the file is none, or does not fit the network.
    """
    if init is None:
        return
    from avtool.models.load import check_grids, load_checkpoint

    check_grids(model, init)
    report = load_checkpoint(model, name, init, interpolate=interpolate, read=read)
    if len(report.missing) == len(model.state_dict()):
        message = f"`{init}` holds no weight of a `{name}`"
        raise BadInputError(message, "start from weights of the same architecture")
    reporter.info(f"started from `{init}`")
    for line in report.lines():
        reporter.info(f"weights: {line}")


def freeze_encoder(model: "nn.Module", name: str) -> None:
    """Freezes all parameters but those of the head, with batch norms and dropout in evaluation mode.

    Raises:
        BadInputError: the model has no head of its own.
    """
    head = getattr(model, "head", None)
    if head is None:
        raise BadInputError(f"`{name}` has no head to train alone", "train without --freeze")
    model.requires_grad_(False)
    head.requires_grad_(True)
    still = [child for child in model.children() if child is not head]

    def stay_still(*_: object) -> None:  # the loop sets the whole model into training mode
        for child in still:
            child.eval()

    model.register_forward_pre_hook(stay_still)
