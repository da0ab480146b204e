"""YAMNet: depthwise separable convolutions over patches of 0.96 s of a log-mel spectrogram."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.settings import require

_KERNEL = 3


@dataclass(frozen=True)
class YAMNetSettings:
    """The settings of a YAMNet.

    Attributes:
        num_classes: width of the output.
        widths: channels of the layers: a convolution of 3 x 3, then depthwise separable ones.
        strides: of the layers.
        patch_frames: frames of a patch, which the network scores.
        patch_hop: frames from one patch to the next in longer spectrograms.
    """

    num_classes: int = 521
    widths: tuple[int, ...] = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
    strides: tuple[int, ...] = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    patch_frames: int = 96
    patch_hop: int = 48

    def __post_init__(self) -> None:
        require(bool(self.widths), "a YAMNet needs at least one layer")
        require(
            len(self.widths) == len(self.strides),
            f"{len(self.widths)} widths and {len(self.strides)} strides: a layer has one of each",
        )
        require(self.patch_frames > 0, f"patches of {self.patch_frames} frames are empty")
        require(self.patch_hop > 0, f"a step of {self.patch_hop} frames leads nowhere")


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's `SAME` padding, and a ReLU.

    The output has ⌈side / stride⌉ positions; where the padding is odd, the last side has one more.
    """

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) → (B, out, ⌈H / stride⌉, ⌈W / stride⌉)."""
        (height, width), (down, across) = image.shape[2:], self.stride
        tall, wide = (
            max((-(-side // stride) - 1) * stride + kernel - side, 0)
            for side, stride, kernel in zip((height, width), (down, across), self.kernel_size, strict=True)
        )
        padded = F.pad(image, (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2))
        return super().forward(padded).relu()


class YAMNet(nn.Module):
    """Scores patches of a log-mel spectrogram; those of a longer one are averaged before the last layer.

    Batch norms are folded into the convolutions, whose biases they become: the network is one for inference
    and fine-tuning, not for training from random weights.

    Args:
        settings: of the network.
    """

    inputs = ("audio",)

    def __init__(self, settings: YAMNetSettings) -> None:
        super().__init__()
        self.settings = settings
        before, self.layers = 1, nn.ModuleList()
        for number, (width, stride) in enumerate(zip(settings.widths, settings.strides, strict=True)):
            if number == 0:
                layer = nn.Sequential(SameConv(before, width, _KERNEL, stride))
            else:
                layer = nn.Sequential(
                    SameConv(before, before, _KERNEL, stride, groups=before), SameConv(before, width, 1)
                )
            self.layers.append(layer)
            before = width
        self.head = nn.Linear(before, settings.num_classes)
        for module in self.modules():
            if isinstance(module, SameConv):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """From input to output, for layer-wise decay of the learning rate."""
        return [[layer] for layer in self.layers]

    def forward(self, audio: Tensor) -> ClassifierOutput:
        """Scores log-mel spectrograms (B, T, F), T at least one patch; sigmoids of the logits are scores."""
        return ClassifierOutput(self.head(self.embed(audio)["audio"]), {})

    def embed(self, audio: Tensor) -> dict[str, Tensor]:
        """The feature (B, last width) that the last layer reads, the mean over patches."""
        size, hop = self.settings.patch_frames, self.settings.patch_hop
        require(
            audio.dim() == 3,
            f"the model takes spectrograms of (batch, frames, mel bins), not {tuple(audio.shape)}",
        )
        require(audio.shape[1] >= size, f"{audio.shape[1]} frames are fewer than a patch of {size}")
        patches = audio.unfold(1, size, hop).transpose(2, 3)  # (B, patches, size, F)
        maps = patches.flatten(0, 1)[:, None]
        for layer in self.layers:
            maps = layer(maps)
        features = maps.mean(dim=(2, 3))
        return {"audio": features.reshape(*patches.shape[:2], -1).mean(dim=1)}
