"""Published weights of the zoo's rows: from the library's hub, or from a file."""

import re
from pathlib import Path
from typing import Any

import torch
from torch import nn

from avtool.core.errors import BadInputError, MissingError
from avtool.models.checkpoint_files import read_tensors
from avtool.models.hub_access import hub_access
from avtool.models.published.report import State, unwrap, without_prefix
from avtool.models.zoo.network import ZooNetwork, ZooSettings
from avtool.models.zoo.networks import IMAGENET, build, build_on_meta
from avtool.models.zoo.row import Row

_IMAGENET_INPUT: dict[str, Any] = {
    "interpolation": "bicubic", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
    "crop_pct": 0.875, "crop_mode": "center",
}  # fmt: skip
"""How images are preprocessed for libraries whose networks do not describe it."""
_FEWEST = 0.9  # of the network's tensors that a file must have


def check_source(row: Row, file: Path | None) -> None:
    """Checks that weights can be had, before a network is built.

    Raises:
        BadInputError: the file is absent.
        MissingError: no hub has weights of the row.
    """
    if file is not None:
        if not file.is_file():
            raise BadInputError(f"the weights `{file}` do not exist", "correct the path")
    elif row.library not in {"timm", "torchvision"}:
        raise MissingError(f"no hub is known that has weights of `{row.name}`", file_hint(row))


def file_hint(row: Row) -> str:
    """How to give weights as a file."""
    return f"give them as a file: zoo:{row.key}=FILE"


def encoder_settings(row: Row) -> ZooSettings:
    """The settings of a row as an encoder at its own size."""
    height = row.size[0] if row.size else 224
    return ZooSettings(row.key, num_classes=0, image_size=height)


def preprocess(row: Row) -> dict[str, Any]:
    """The evaluation transform of a row: side, interpolation, crop, mean and deviation, in timm's form."""
    side = encoder_settings(row).image_size
    if row.library != "timm":
        return {"input_size": [3, side, side], **_IMAGENET_INPUT}
    from timm.data import config as timm_config

    resolve: Any = timm_config.resolve_data_config
    found = resolve({}, model=build_on_meta(row))
    return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}


def describe_encoder(row: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments that build a row as an encoder of images, and its `preprocess.json`."""
    arguments = {"row": row.key, "num_classes": 0, "image_size": encoder_settings(row).image_size}
    config = preprocess(row)
    return arguments, {"inputs": {"image": {"processor": "timm", "seconds": 1.0, "config": config}}}


def load_published(row: Row, file: Path | None = None) -> ZooNetwork:
    """A row as an encoder of images with published weights.

    Args:
        row: with a builder.
        file: weights; None for those of the library's hub.

    Raises:
        BadInputError: the file holds weights of another network.
        MissingError: the hub cannot be reached.
    """
    network = ZooNetwork(encoder_settings(row))
    host: Any = network.host.network
    inner = host.host if hasattr(host, "host") else host
    state = dict(_from_hub(row)) if file is None else unwrap(read_tensors(file))
    if file is not None and row.library == "timm":
        state = _as_timm_has_it(row, state)
    _load(inner, row, state, str(file or "the hub"))
    return network


def _from_hub(row: Row) -> State:
    """The weights that timm or torchvision publish for the network of a row."""
    try:
        with hub_access():
            if row.library == "timm":
                return build(row, options={"pretrained": True}).state_dict()
            return build(row, options={"weights": "DEFAULT"}).state_dict()
    except OSError as error:
        raise _unreachable(row, type(error).__name__) from error
    except BadInputError as error:
        if not isinstance(error.__cause__, RuntimeError | OSError):
            raise
        raise _unreachable(row, "no weights under this name") from error


def _unreachable(row: Row, reason: str) -> MissingError:
    return MissingError(f"the weights of `{row.name}` cannot be downloaded ({reason})", file_hint(row))


def _as_timm_has_it(row: Row, state: State) -> State:
    """The tensors of another project under timm's names, where timm itself translates them."""
    import sys

    whole: Any = build_on_meta(row, num_classes=IMAGENET)
    translate = getattr(sys.modules[type(whole).__module__], "checkpoint_filter_fn", None)
    if translate is None or set(whole.state_dict()) <= set(state):
        return state
    try:
        return dict(translate(dict(state), build(row)))
    except (KeyError, ValueError, RuntimeError, AttributeError, TypeError):
        return state


def _load(host: nn.Module, row: Row, state: State, origin: str) -> None:
    """Loads tensors by name; a last layer is not taken.

    Raises:
        BadInputError: they are of another network.
    """
    wanted = host.state_dict()
    state = without_prefix(state, wanted)
    state = {_in_backbone(name, wanted): tensor for name, tensor in state.items()}
    shared = [name for name in wanted if name in state]
    if len(shared) < _FEWEST * len(wanted):
        message = f"`{origin}` has {len(shared)} of the {len(wanted)} tensors of `{row.name}`"
        raise BadInputError(message, "give weights of the same network")
    for name in shared:
        if state[name].shape != wanted[name].shape:
            shapes = "x".join(map(str, state[name].shape)), "x".join(map(str, wanted[name].shape))
            message = f"`{name}` is {shapes[0]} in `{origin}` and {shapes[1]} in `{row.name}`"
            raise BadInputError(message, "give weights of the same network and size")
    with torch.no_grad():
        host.load_state_dict({name: state.get(name, tensor) for name, tensor in wanted.items()})


def _in_backbone(name: str, wanted: State) -> str:
    """The name that a tensor of a whole detector or segmenter has in its backbone."""
    if name in wanted:
        return name
    parts = re.split(r"(?<=\.)", name)
    inner = ("".join(parts[skipped:]) for skipped in range(1, len(parts)))
    return next((one for one in inner if one in wanted), name)
