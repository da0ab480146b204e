"""Dense encoders: the maps of a row's network at one or several strides, whichever library built it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.models.zoo.networks import build
from avtool.models.zoo.row import Row

Reader = Callable[[Any, Tensor], list[Tensor]]
_MAPS_OF_COLUMNS = 3
"""Maps of a ViT, whose blocks all have one stride: those of its last blocks, as timm has them."""
_STAGED = {"Pvt": "pvt", "Cvt": "cvt", "Segformer": "segformer"}
"""Classes of transformers that give the maps of their stages as hidden states, and their encoders' names."""
_DEFAULT = (224, 224)


class DenseEncoder(nn.Module):
    """Maps of images.

    Args:
        row: with a builder.
        in_channels: of the images; 1 for spectrograms.
        image_size: height and width; None for those of the row.
        options: keyword arguments of the library's builder, over those of the row.

    Attributes:
        channels: of each map.
        strides: pixels between neighbours of each map, which never fall.

    Raises:
        BadInputError: the row's network gives no maps, or does not take the size.
        MissingError: its library is absent.
    """

    def __init__(
        self,
        row: Row,
        *,
        in_channels: int = 3,
        image_size: tuple[int, int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.row = row
        self.host, self._read = _host(row, in_channels, image_size, dict(options or {}))
        height, width = image_size or row.size or _DEFAULT
        device = next(self.host.parameters()).device
        self.host.eval()
        with torch.no_grad():
            maps = self._read(self.host, torch.zeros(1, in_channels, height, width, device=device))
        self.host.train()
        self.channels = [one.shape[1] for one in maps]
        self.strides = [round(height / one.shape[2]) for one in maps]

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, C, H, W) → maps (B, channels, H / stride, W / stride), the finest first."""
        return self._read(self.host, images)


def _host(
    row: Row, in_channels: int, size: tuple[int, int] | None, options: dict[str, Any]
) -> tuple[nn.Module, Reader]:
    """The network that gives the maps, and how to read them."""
    settings: dict[str, Any] = {"in_channels": in_channels, "image_size": size}
    if row.library == "timm":
        return build(row, options={**options, "features_only": True}, **settings), _listed
    network: Any = build(row, options=options, **settings)
    if row.library == "avtool":
        return (network.encoder, _columns) if row.task == "segmentation" else (network, _columns)
    if row.library == "torchvision":
        return _stages_of_torchvision(row, network)
    return _of_transformers(row, network)


def _of_transformers(row: Row, network: Any) -> tuple[nn.Module, Reader]:
    from timm.models import FeatureListNet
    from transformers.backbone_utils import BackboneMixin

    inner = next((one for one in network.modules() if isinstance(one, FeatureListNet)), None)
    if inner is not None:
        return inner, _listed
    mixin: Any = BackboneMixin
    backbone: Any = next((one for one in network.modules() if isinstance(one, mixin)), None)
    if backbone is not None:
        return backbone, _feature_maps
    staged = next((part for name, part in _STAGED.items() if row.target.startswith(name)), None)
    if staged is not None:
        return getattr(network, staged), _hidden_states
    if row.target.startswith("Yolos"):
        return network.vit, _tokens_of_yolos
    hint = "choose a row of timm: `avtool zoo list --built` shows them"
    raise BadInputError(f"`{row.name}` gives no maps: {row.target} reads or masks tokens", hint)


def _listed(host: Any, images: Tensor) -> list[Tensor]:
    """The maps of timm's feature extraction, which leaves those of some networks with channels last."""
    maps: list[Tensor] = list(host(images))
    last = getattr(host, "output_fmt", "NCHW") == "NHWC"
    return [one.permute(0, 3, 1, 2) for one in maps] if last else maps


def _columns(host: Any, images: Tensor) -> list[Tensor]:
    """The last blocks of a ViT of timm's kind."""
    found: list[Tensor] = host.forward_intermediates(
        images, indices=_MAPS_OF_COLUMNS, intermediates_only=True
    )
    return found


def _feature_maps(host: Any, images: Tensor) -> list[Tensor]:
    return list(host(images).feature_maps)


def _hidden_states(host: Any, images: Tensor) -> list[Tensor]:
    """The maps behind each stage: hidden states that are maps, the last of each size."""
    states = host(images, output_hidden_states=True).hidden_states
    maps = [one if one.dim() == 4 else _grid(one, images) for one in states]
    return list({one.shape[-2:]: one for one in maps}.values())


def _grid(tokens: Tensor, images: Tensor) -> Tensor:
    """Tokens (B, N, D), behind a class token where N is no whole grid, as maps of the image's shape."""
    height, width = images.shape[-2:]
    for skipped in (0, 1):
        rows = round(((tokens.shape[1] - skipped) * height / width) ** 0.5)
        if rows and (tokens.shape[1] - skipped) == rows * round(rows * width / height):
            kept = tokens[:, skipped:].transpose(1, 2)
            return kept.reshape(*kept.shape[:2], rows, -1)
    raise BadInputError(f"{tokens.shape[1]} tokens make no grid", "give a size that the row takes")


def _tokens_of_yolos(host: Any, images: Tensor) -> list[Tensor]:
    """The patches among YOLOS's tokens: without the class token and the detection tokens."""
    side = host.config.patch_size
    grid = images.shape[-2] // side, images.shape[-1] // side
    tokens = host(images).last_hidden_state[:, 1 : 1 + grid[0] * grid[1]].transpose(1, 2)
    return [tokens.reshape(*tokens.shape[:2], *grid)]


def _stages_of_torchvision(row: Row, network: Any) -> tuple[nn.Module, Reader]:
    """The blocks of torchvision's MaxViT: its Transformers have no common way to their maps."""
    if not row.target.startswith("maxvit"):
        raise BadInputError(f"`{row.name}` gives no maps in torchvision", "choose its row of timm")
    host = nn.ModuleDict({"stem": network.stem, "blocks": network.blocks})
    return host, _blocks_in_turn


def _blocks_in_turn(host: Any, images: Tensor) -> list[Tensor]:
    maps, found = host["stem"](images), []
    for block in host["blocks"]:
        maps = block(maps)
        found.append(maps)
    return found
