"""An image backbone of timm as a frozen encoder, and its weights from a hub, a folder or a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError, MissingError
from avtool.models.hub_access import hub_access
from avtool.models.model_folder import one_line
from avtool.models.published.report import State, format_shape

PREFIX = "timm:"
_COUNTERS = "num_batches_tracked"


@dataclass(frozen=True)
class TimmSettings:
    """The settings of a backbone.

    Attributes:
        architecture: its name in timm.
    """

    architecture: str = "tf_efficientnet_lite0"


class TimmEncoder(nn.Module):
    """A backbone without its last layer.

    Args:
        settings: of the network.
    """

    inputs = ("image",)

    def __init__(self, settings: TimmSettings) -> None:
        super().__init__()
        self.settings = settings
        self.host = build_host(settings.architecture)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) → the features (B, D) of images, as `embed` gives them."""
        return self.embed(image)

    def embed(self, image: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W), preprocessed as timm does → the pooled feature (B, D) before the last layer."""
        return {"image": self.host(image)}


def build_host(name: str, **options: Any) -> Any:
    """A network of timm without its last layer, or as the options have it.

    Raises:
        MissingError: timm is not installed, or weights cannot be downloaded.
        BadInputError: timm has no such network.
    """
    try:
        with torch.device("cpu"):  # modules may make tensors on import
            import timm
    except ImportError as error:
        raise MissingError("image backbones need timm", "pip install 'avtool[hub]'") from error
    known = "/" in name or ":" in name or timm.is_model(name)
    if not known:
        raise BadInputError(f"timm has no network `{name}`", _nearest(name))
    try:
        with hub_access():
            return timm.create_model(name, **{"num_classes": 0, **options})
    except (OSError, ConnectionError) as error:  # requests' and the hub's errors are OSErrors too
        message = f"the weights of `{PREFIX}{name}` cannot be downloaded ({type(error).__name__})"
        raise MissingError(message, f"give them as a file: {PREFIX}{name}=FILE") from error
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        message = f"timm cannot build `{name}` ({one_line(error)})"
        raise BadInputError(message, "`timm.list_models()` lists its networks") from error


def architecture_of(place: str) -> str:
    """The name in timm of the network at a place of a hub."""
    with torch.device("meta"):
        return str(build_host(place).pretrained_cfg["architecture"])


def preprocess_of(host: Any) -> dict[str, Any]:
    """The evaluation transform of a network: side, interpolation, crop, mean and deviation."""
    from timm.data import config as timm_config

    resolve: Any = timm_config.resolve_data_config
    config: Mapping[str, Any] = resolve({}, model=host)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()}


def load_host(host: nn.Module, name: str, state: State, path: Path) -> None:
    """Loads weights by name, or in their order where other projects have named the same layers otherwise.

    Args:
        host: the network without its last layer, changed in place.
        name: of the network in timm.
        state: tensors by name; those of a last layer are not taken.
        path: of the weights, for messages.

    Raises:
        BadInputError: the weights are of another network.
    """
    wanted = host.state_dict()
    if not all(key in state for key in wanted if not key.endswith(_COUNTERS)):
        state = _in_order(name, state, path)
    for key, tensor in wanted.items():
        if key in state and state[key].shape != tensor.shape:
            message = (
                f"`{key}` is {format_shape(state[key])} in `{path}` and {format_shape(tensor)} in `{name}`"
            )
            raise BadInputError(message, f"name the network of these weights: {PREFIX}NAME={path}")
    host.load_state_dict({key: state.get(key, tensor) for key, tensor in wanted.items()})


def _in_order(name: str, state: State, path: Path) -> State:
    """Tensors under timm's names, where all shapes agree in their order."""
    values = [tensor for key, tensor in state.items() if not key.endswith(_COUNTERS)]
    with torch.device("meta"):
        whole = build_host(name, num_classes=len(values[-1]) if values[-1].dim() else 0).state_dict()
    names = [key for key in whole if not key.endswith(_COUNTERS)]
    fits = len(names) == len(values) and all(
        whole[key].shape == value.shape for key, value in zip(names, values, strict=True)
    )
    if not fits:
        message = f"`{path}` has {len(values)} tensors that are not those of `{name}`, which has {len(names)}"
        raise BadInputError(message, f"name the network of these weights: {PREFIX}NAME={path}")
    return dict(zip(names, values, strict=True))


def _nearest(name: str) -> str:
    import timm

    from avtool.core.registry import nearest_hint

    return nearest_hint(name, timm.list_models(), "timm.list_models()")
