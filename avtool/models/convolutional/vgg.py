"""VGG: plain convolutions over log-mel spectrograms, at full resolution in the first stage.

Rain, waves and rotors differ in fine texture, which a stem that shrinks the image at once throws away. So the
first convolution keeps every frame and band, few channels make that affordable, and means shrink the image
between stages (as in Kong et al., PANNs: Large-Scale Pretrained Audio Neural Networks, 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from avtool.models.convolutional.pooled_network import PooledNetwork
from avtool.models.layers.settings import require


@dataclass(frozen=True)
class VGGSettings:
    """The settings of a VGG.

    Attributes:
        num_classes: width of the output.
        widths: channels of the stages. The first has one convolution, the others two; between two stages both
            sides of the image are halved.
        pointwise_stages: how many of the last stages have a second convolution of 1 x 1 instead of 3 x 3,
            which narrows the receptive field (Koutini et al., Receptive-Field-Regularized CNN Variants for
            Acoustic Scene Classification, 2019).
        dropout: probability, before the last layer.
    """

    num_classes: int = 50
    widths: tuple[int, ...] = (16, 32, 64, 128)
    pointwise_stages: int = 2
    dropout: float = 0.3

    def __post_init__(self) -> None:
        check_stages(self.widths, self.pointwise_stages)
        require(0 <= self.dropout < 1, f"dropout {self.dropout} is not in [0, 1)")


class VGG(PooledNetwork):
    """Stages of convolutions over a spectrogram of any length, then the mean and maximum over all positions.

    Args:
        settings: of the network.
    """

    def __init__(self, settings: VGGSettings) -> None:
        super().__init__()
        self.settings = settings
        self.stages = stages_of(settings.widths, settings.pointwise_stages)
        self.finish(settings.widths[-1], settings.num_classes, settings.dropout)

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """From input to output, for layer-wise decay of the learning rate."""
        return [[stage] for stage in self.stages]

    def maps(self, image: Tensor) -> Tensor:
        """(B, 1, T, F) → (B, last width, fewer T, fewer F)."""
        maps: Tensor = self.stages(image)
        return maps


def check_stages(widths: Sequence[int], pointwise_stages: int) -> None:
    """Checks the arguments of `stages_of`.

    Raises:
        BadInputError: there is no stage, or the first should be pointwise.
    """
    require(bool(widths), "a VGG needs at least one stage")
    require(
        0 <= pointwise_stages < len(widths),
        f"{pointwise_stages} of {len(widths)} stages cannot be pointwise: the first never is",
    )


def stages_of(widths: Sequence[int], pointwise_stages: int) -> nn.Sequential:
    """The stages over an image of one channel; see `VGGSettings`."""
    stages = nn.Sequential(_convolution(1, widths[0], 3))
    for stage, (before, width) in enumerate(pairwise(widths), start=1):
        pointwise = stage >= len(widths) - pointwise_stages
        stages.append(
            nn.Sequential(
                nn.AvgPool2d(2, ceil_mode=True),
                _convolution(before, width, 3),
                _convolution(width, width, 1 if pointwise else 3),
            )
        )
    return stages


def _convolution(in_channels: int, out_channels: int, side: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, side, padding=side // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )
