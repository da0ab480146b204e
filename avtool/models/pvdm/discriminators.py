"""PatchGAN discriminators of frames and of clips, for the second stage of PVDM's autoencoder."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from avtool.models.layers.sync_batch_norm import SyncBatchNorm

_WIDTHS = (64, 128, 256, 512)
_SLOPE = 0.2
_KERNEL, _PADDING = 4, 2


class PatchDiscriminator(nn.Module):
    """Convolutions of 4 with batch norms over all processes: three of stride 2, two of stride 1, to logits.

    Args:
        dims: 2 for frames, 3 for clips.
        widths: channels of all but the last.
    """

    def __init__(self, dims: Literal[2, 3], widths: Sequence[int] = _WIDTHS) -> None:
        super().__init__()
        convolution = nn.Conv2d if dims == 2 else nn.Conv3d
        self.layers, channels = nn.ModuleList(), 3
        for number, width in enumerate(widths):
            stride = 2 if number < len(widths) - 1 else 1
            parts: list[nn.Module] = [convolution(channels, width, _KERNEL, stride, _PADDING)]
            if number:
                parts.append(SyncBatchNorm(width))
            self.layers.append(nn.Sequential(*parts, nn.LeakyReLU(_SLOPE)))
            channels = width
        self.layers.append(nn.Sequential(convolution(channels, 1, _KERNEL, 1, _PADDING)))
        self.apply(_initialize)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """The outputs of all layers for (B, 3, …) in [-1, 1]; the last are the logits, high for real."""
        outputs = []
        for layer in self.layers:
            pixels = layer(pixels)
            outputs.append(pixels)
        return outputs


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Conv3d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, SyncBatchNorm):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
