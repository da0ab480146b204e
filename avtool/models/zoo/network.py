"""Classifiers and encoders of the zoo: any row over images, or over spectrograms as images of one channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from avtool.core.errors import BadInputError
from avtool.models.layers.output import ClassifierOutput
from avtool.models.zoo.catalogue import find_row, need_builder
from avtool.models.zoo.dense import DenseEncoder
from avtool.models.zoo.layers import layers_of
from avtool.models.zoo.networks import build
from avtool.models.zoo.row import Row


@dataclass(frozen=True)
class ZooSettings:
    """The settings of a row over images.

    Attributes:
        row: its name or key in the catalogue.
        num_classes: width of the output; 0 for an encoder without a last layer.
        image_size: side of the images in pixels.
        options: keyword arguments of the library's builder, over those of the row.
    """

    row: str = "deit-ti"
    num_classes: int = 1000
    image_size: int = 224
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ZooAudioSettings:
    """The settings of a row over spectrograms.

    Attributes:
        row: its name or key in the catalogue.
        num_classes: width of the output; 0 for an encoder without a last layer.
        side: of the square that spectrograms are scaled to, in pixels.
        options: keyword arguments of the library's builder, over those of the row.
    """

    row: str = "deit-ti"
    num_classes: int = 50
    side: int = 224
    options: Mapping[str, Any] = field(default_factory=dict)


class ZooNetwork(nn.Module):
    """A row as a classifier of images, or, without classes, as an encoder.

    Args:
        settings: of the network.

    Raises:
        BadInputError: the row does not exist, has no builder, or does not take the size.
        MissingError: its library is absent.
    """

    inputs = ("image",)

    def __init__(self, settings: ZooSettings) -> None:
        super().__init__()
        self.settings = settings
        row, size = need_builder(find_row(settings.row)), (settings.image_size, settings.image_size)
        self.host = PooledHost(row, 3, size, settings.options)
        self.head = _head(self.host.width, settings.num_classes)

    def forward(self, image: Tensor) -> ClassifierOutput | dict[str, Tensor]:
        """Scores images (B, 3, H, W); without classes it gives their features, as `embed`."""
        if not self.settings.num_classes:
            return self.embed(image)
        return ClassifierOutput(self.head(self.host(image)), {})

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """Stem, then block after block, for layer-wise decay of the learning rate."""
        return self.host.parameter_layers()

    def embed(self, image: Tensor) -> dict[str, Tensor]:
        """The pooled feature (B, D) that the last layer reads."""
        return {"image": self.host(image)}


class ZooAudioNetwork(nn.Module):
    """A row as a classifier of spectrograms, which it sees as squares of one channel.

    Args:
        settings: of the network.

    Raises:
        BadInputError: the row does not exist, has no builder, or does not take the size.
        MissingError: its library is absent.
    """

    inputs = ("audio",)

    def __init__(self, settings: ZooAudioSettings) -> None:
        super().__init__()
        self.settings = settings
        row = need_builder(find_row(settings.row))
        self.host = PooledHost(row, 1, (settings.side, settings.side), settings.options)
        self.head = _head(self.host.width, settings.num_classes)

    def forward(self, audio: Tensor) -> ClassifierOutput | dict[str, Tensor]:
        """Scores normalised log-mel spectrograms (B, T, F); without classes as `embed`."""
        features = self.embed(audio)
        return ClassifierOutput(self.head(features["audio"]), {}) if self.settings.num_classes else features

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """Stem, then block after block, for layer-wise decay of the learning rate."""
        return self.host.parameter_layers()

    def embed(self, audio: Tensor) -> dict[str, Tensor]:
        """The pooled feature (B, D) that the last layer reads; frequency rises upwards, time to the right."""
        image = audio.transpose(1, 2).flip(1)[:, None]
        size = (self.settings.side, self.settings.side)
        return {"audio": self.host(functional.interpolate(image, size=size, mode="bilinear"))}


class PooledHost(nn.Module):
    """The network of a row up to its pooled feature: (B, C, H, W) → (B, width).

    Networks for detection and segmentation give the mean of their last map.

    Args:
        row: with a builder.
        in_channels: of the images.
        size: height and width.
        options: keyword arguments of the library's builder, over those of the row.

    Attributes:
        width: of the feature.
    """

    def __init__(self, row: Row, in_channels: int, size: tuple[int, int], options: Mapping[str, Any]) -> None:
        super().__init__()
        self.network: nn.Module
        self._name = row.name
        if row.task != "classification":
            self.network = DenseEncoder(row, in_channels=in_channels, image_size=size, options=options)
        else:
            self.network = _headless(row, in_channels, size, options)
        device = next(self.network.parameters()).device
        self.network.eval()
        with torch.no_grad():
            self.width = self(torch.zeros(1, in_channels, *size, device=device)).shape[1]
        self.network.train()

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) → (B, width)."""
        network: Any = self.network
        if isinstance(network, DenseEncoder):
            return network(images)[-1].mean(dim=(2, 3))  # type: ignore[no-any-return]
        if hasattr(network, "forward_head"):
            found = network.forward_head(network.forward_features(images), pre_logits=True)
            return torch.cat(list(found), dim=1) if isinstance(found, list | tuple) else found
        found = network(images)
        return getattr(found, "logits", found)  # type: ignore[no-any-return]

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """The parameters by depth, without those of the last layer.

        Raises:
            BadInputError: the row's blocks have no numbers.
        """
        return layers_of(self.network, self._name)


def _headless(row: Row, in_channels: int, size: tuple[int, int], options: Mapping[str, Any]) -> nn.Module:
    """The network of a classification row without its last layer."""
    settings: dict[str, Any] = {"in_channels": in_channels, "image_size": size, "options": options}
    if row.library in {"timm", "avtool"}:
        return build(row, num_classes=0, **settings)
    if row.target.startswith("ImageGPT") or row.target == "ViTMAEForPreTraining":
        message = (
            f"`{row.name}` is no encoder of images: {row.target} reads colour clusters, or masks patches"
        )
        raise BadInputError(message, "choose another row: `avtool zoo list --built` shows them")
    network = build(row, **settings)
    last = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)][-1]
    parent, _, leaf = last.rpartition(".")
    setattr(network.get_submodule(parent), leaf, nn.Identity())
    return network


def _head(width: int, num_classes: int) -> nn.Module:
    if not num_classes:
        return nn.Identity()
    head = nn.Linear(width, num_classes)
    nn.init.trunc_normal_(head.weight, std=0.02)
    nn.init.zeros_(head.bias)
    return head
