"""I3D: Inception-v1 inflated to three dimensions (Carreira and Zisserman, 2017).

Shapes: B videos, T frames, H x W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.settings import require

_STEM = ((64, 7, 2), (64, 1, 1), (192, 3, 1))
"""Channels, kernel and stride of the first convolutions."""
_MIXED = {
    "3b": (64, 96, 128, 16, 32, 32),
    "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128),
    "5c": (384, 192, 384, 48, 128, 128),
}
"""Channels of the convolutions of each block, branch by branch."""
_POOLS = {"3b": ((1, 3, 3), (1, 2, 2)), "4b": ((3, 3, 3), (2, 2, 2)), "5b": ((2, 2, 2), (2, 2, 2))}
"""Kernel and stride of the pooling before a block."""
_LAST = (2, 7, 7)
"""Kernel of the average pooling before the logits; a smaller map is averaged as a whole."""


@dataclass(frozen=True)
class I3DSettings:
    """Settings of the network.

    Attributes:
        num_classes: width of the output.
        narrowing: divides the channels of every convolution; 1 is the published width.
    """

    num_classes: int = 400
    narrowing: int = 1

    def __post_init__(self) -> None:
        require(self.num_classes >= 1, f"num_classes = {self.num_classes} is less than 1")
        require(1 <= self.narrowing <= 16, f"narrowing = {self.narrowing} is not within 1 and 16")


class SameConv3d(nn.Conv3d):
    """A convolution with TensorFlow's `SAME` padding, and a ReLU; batch norms are folded into it."""

    def forward(self, video: Tensor) -> Tensor:
        """(B, C, T, H, W) → (B, out, ⌈T / stride⌉, ⌈H / stride⌉, ⌈W / stride⌉)."""
        kernel, stride = self.kernel_size, self.stride
        padding = _symmetric(kernel, stride)
        if padding is None:
            video, padding = pad_same(video, kernel, stride), (0, 0, 0)
        if _takes_onednn(video):
            ones = (1, 1, 1)
            found = torch.mkldnn_convolution(video, self.weight, self.bias, padding, stride, ones, 1)
        else:
            found = F.conv3d(video, self.weight, self.bias, stride, padding)
        return found.relu()


def _symmetric(kernel: Sequence[int], stride: Sequence[int]) -> tuple[int, ...] | None:
    """`SAME` padding of each side where both ends have equally much whatever the size; else None."""
    if any(step != 1 or size % 2 == 0 for size, step in zip(kernel, stride, strict=True)):
        return None
    return tuple(size // 2 for size in kernel)


def _takes_onednn(video: Tensor) -> bool:
    """Whether oneDNN is called by name: on one thread PyTorch takes it for few of these convolutions.

    Inference in single precision on a CPU, where it is 1.6 times as fast.
    """
    if video.device.type != "cpu" or video.dtype != torch.float32 or torch.is_grad_enabled():
        return False
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return available and not torch.compiler.is_compiling()


def pad_same(video: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
    """(B, C, T, H, W) padded by zeros such that each side has ⌈side / stride⌉ positions.

    Of an odd number of zeros the end has one more.
    """
    padding: list[int] = []
    for side, size, step in zip(reversed(video.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        total = max((-(-side // step) - 1) * step + size - side, 0)
        padding += [total // 2, total - total // 2]
    return F.pad(video, padding) if any(padding) else video


def max_pool_same(video: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Maxima of maps (B, C, T, H, W) that are not negative, with `SAME` padding."""
    if (padding := _symmetric(kernel, stride)) is not None:
        return F.max_pool3d(video, tuple(kernel), tuple(stride), padding)
    return F.max_pool3d(pad_same(video, kernel, stride), tuple(kernel), tuple(stride))


class MixedBlock(nn.Module):
    """Four branches side by side: 1³; 1³ and 3³; 1³ and 3³; maximum and 1³.

    Args:
        channels: of the input.
        widths: of the convolutions, branch by branch.
    """

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        one, wide_in, wide, narrow_in, narrow, pooled = widths
        self.branches = nn.ModuleList(
            [
                nn.Sequential(SameConv3d(channels, one, 1)),
                nn.Sequential(SameConv3d(channels, wide_in, 1), SameConv3d(wide_in, wide, 3)),
                nn.Sequential(SameConv3d(channels, narrow_in, 1), SameConv3d(narrow_in, narrow, 3)),
                nn.Sequential(SameConv3d(channels, pooled, 1)),
            ]
        )
        self.out_channels = one + wide + narrow + pooled

    def forward(self, video: Tensor) -> Tensor:
        """(B, channels, T, H, W) → (B, out_channels, T, H, W)."""
        pooled = max_pool_same(video, (3, 3, 3), (1, 1, 1))
        inputs = [video, video, video, pooled]
        return torch.cat([branch(part) for branch, part in zip(self.branches, inputs, strict=True)], dim=1)


class I3D(nn.Module):
    """Scores videos of any length and size; the logits of all places in time are averaged.

    Args:
        settings: of the network.
    """

    inputs = ("video",)

    def __init__(self, settings: I3DSettings) -> None:
        super().__init__()
        self.settings = settings
        channels, self.stem = 3, nn.ModuleList()
        for width, kernel, stride in _STEM:
            self.stem.append(SameConv3d(channels, width // settings.narrowing, kernel, stride))
            channels = width // settings.narrowing
        self.mixed = nn.ModuleDict()
        for name, widths in _MIXED.items():
            block = MixedBlock(channels, [width // settings.narrowing for width in widths])
            self.mixed[name] = block
            channels = block.out_channels
        self.head = nn.Linear(channels, settings.num_classes)
        for module in self.modules():
            if isinstance(module, SameConv3d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, video: Tensor) -> ClassifierOutput:
        """Logits of videos (B, 3, T, H, W) in [-1, 1]; published weights take 224 x 224 at 25 frames/s."""
        return ClassifierOutput(self.head(self._pooled(video)).mean(dim=1), {})

    def embed(self, video: Tensor) -> dict[str, Tensor]:
        """The feature (B, D) before the logits, the mean over time."""
        return {"video": self._pooled(video).mean(dim=1)}

    def _pooled(self, video: Tensor) -> Tensor:
        """(B, places, D) features of all places in time, and of those in space that remain."""
        require(video.dim() == 5, f"I3D takes videos of (B, 3, T, H, W), not {tuple(video.shape)}")
        maps = self.stem[0](video)
        maps = max_pool_same(maps, (1, 3, 3), (1, 2, 2))
        for convolution in list(self.stem)[1:]:
            maps = convolution(maps)
        for name, block in self.mixed.items():
            if name in _POOLS:
                maps = max_pool_same(maps, *_POOLS[name])
            maps = block(maps)
        kernel = [min(size, side) for size, side in zip(_LAST, maps.shape[2:], strict=True)]
        return F.avg_pool3d(maps, kernel, stride=1).flatten(2).transpose(1, 2)
