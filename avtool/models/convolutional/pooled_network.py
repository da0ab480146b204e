"""The base of convolutional spectrogram classifiers: pooling over all positions, and the last layer."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.settings import require


class PooledNetwork(nn.Module, ABC):
    """Maps of a spectrogram of any length, their mean and maximum over all positions, then a linear layer.

    A subclass builds the stages and then calls `finish`.
    """

    inputs = ("audio",)
    head: nn.Sequential

    def finish(self, width: int, num_classes: int, dropout: float) -> None:
        """Adds the last layer over maps of so many channels, and initialises the convolutions."""
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * width, num_classes))
        initialize_convolutions(self)

    @abstractmethod
    def maps(self, image: Tensor) -> Tensor:
        """(B, 1, T, F) → (B, width, fewer T, fewer F)."""

    def forward(self, audio: Tensor) -> ClassifierOutput:
        """Scores normalised log-mel spectrograms (B, T, F)."""
        return ClassifierOutput(self.head(self.embed(audio)["audio"]), {})

    def embed(self, audio: Tensor) -> dict[str, Tensor]:
        """The feature (B, 2 · width) that the last layer reads."""
        check_spectrogram(audio)
        return {"audio": pooled(self.maps(audio[:, None]))}


def check_spectrogram(audio: Tensor) -> None:
    """Checks that a tensor is a batch of spectrograms (B, T, mel bins).

    Raises:
        BadInputError: it has not three dimensions.
    """
    require(
        audio.dim() == 3,
        f"the model takes spectrograms of (batch, frames, mel bins), not {tuple(audio.shape)}",
    )


def pooled(maps: Tensor) -> Tensor:
    """The mean and the maximum over all positions: (B, C, H, W) → (B, 2 · C)."""
    return torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)


def initialize_convolutions(network: nn.Module) -> None:
    """Draws convolutions' weights so that ReLU networks keep the scale of gradients (He et al., 2015)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
