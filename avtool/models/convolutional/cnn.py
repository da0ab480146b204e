"""A small residual network over log-mel spectrograms, for training from scratch on little data.

Where no weights are at hand, a Transformer needs far more data than a few hundred clips; this does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from avtool.models.convolutional.pooled_network import PooledNetwork
from avtool.models.layers.settings import require


@dataclass(frozen=True)
class CNNSettings:
    """The settings of a CNN.

    Attributes:
        num_classes: width of the output.
        widths: channels of the stages: one residual block each; all but the first halve the image.
        pointwise_stages: how many of the last stages have a second convolution of 1 x 1 instead of 3 x 3,
            which narrows the receptive field (Koutini et al., Receptive-Field-Regularized CNN Variants for
            Acoustic Scene Classification, 2019).
        dropout: probability, before the last layer.
    """

    num_classes: int = 50
    widths: tuple[int, ...] = (16, 48, 96, 168)
    pointwise_stages: int = 0
    dropout: float = 0.3

    def __post_init__(self) -> None:
        require(bool(self.widths), "a CNN needs at least one stage")
        require(
            0 <= self.pointwise_stages <= len(self.widths),
            f"{self.pointwise_stages} of {len(self.widths)} stages cannot be pointwise",
        )
        require(0 <= self.dropout < 1, f"dropout {self.dropout} is not in [0, 1)")


class ResidualBlock(nn.Module):
    """Two convolutions with batch norm beside a shortcut; the first is 3 x 3.

    Args:
        in_channels: channels in.
        out_channels: channels out.
        stride: 2 halves both sides of the image.
        second_kernel: side of the second convolution, 1 or 3.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, second_kernel: int = 3) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, second_kernel, padding=second_kernel // 2, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True),  # mean, then mix: a strided 1 x 1 would skip pixels
                nn.Conv2d(in_channels, out_channels, 1, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) → (B, out, ⌈H / stride⌉, ⌈W / stride⌉)."""
        return torch.relu(self.branch(image) + self.shortcut(image))


class CNN(PooledNetwork):
    """Residual stages over a spectrogram of any length, then the mean and the maximum over all positions.

    Args:
        settings: of the network.
    """

    def __init__(self, settings: CNNSettings) -> None:
        super().__init__()
        self.settings = settings
        widths = tuple(settings.widths)
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
        )
        self.stages = nn.Sequential()
        for stage, (before, width) in enumerate(zip((widths[0], *widths), widths, strict=False)):
            pointwise = stage >= len(widths) - settings.pointwise_stages
            self.stages.append(ResidualBlock(before, width, 1 if stage == 0 else 2, 1 if pointwise else 3))
        self.finish(widths[-1], settings.num_classes, settings.dropout)

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """From input to output, for layer-wise decay of the learning rate."""
        return [[self.stem], *([stage] for stage in self.stages)]

    def maps(self, image: Tensor) -> Tensor:
        """(B, 1, T, F) → (B, last width, fewer T, fewer F)."""
        maps: Tensor = self.stages(self.stem(image))
        return maps
