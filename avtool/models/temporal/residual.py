"""Residual networks of eighteen layers, over spectrograms and over video.

He et al., Deep Residual Learning for Image Recognition (CVPR 2016); Tran et al., A Closer Look at
Spatiotemporal Convolutions for Action Recognition (CVPR 2018): in space and time at once, in space then time,
or in both at first and later in space alone. Parts are called as in torchvision, but for `stages.0` instead
of `layer1`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

WIDTHS = (64, 128, 256, 512)
"""Channels of the four stages, of two blocks each."""

Convolution = Callable[[int, int, int, int], nn.Module]
"""(channels in, channels out, stride, channels between) → a convolution over 3 positions per axis."""


def over_space(channels_in: int, channels_out: int, stride: int, _between: int) -> nn.Module:
    """3 x 3 within each frame."""
    return nn.Conv3d(channels_in, channels_out, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)


def over_space_and_time(channels_in: int, channels_out: int, stride: int, _between: int) -> nn.Module:
    """3 x 3 x 3."""
    return nn.Conv3d(channels_in, channels_out, 3, stride, 1, bias=False)


def over_space_then_time(channels_in: int, channels_out: int, stride: int, between: int) -> nn.Module:
    """3 x 3 within each frame, then 3 along time."""
    return nn.Sequential(
        over_space(channels_in, between, stride, 0),
        nn.BatchNorm3d(between),
        nn.ReLU(inplace=True),
        nn.Conv3d(between, channels_out, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False),
    )


def over_spectrogram(channels_in: int, channels_out: int, stride: int, _between: int) -> nn.Module:
    """3 x 3 over frames and mel bins."""
    return nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)


def channels_between(channels_in: int, channels_out: int) -> int:
    """Channels between the two halves for which they have as many weights as 3 x 3 x 3 (rounded down)."""
    return 27 * channels_in * channels_out // (9 * channels_in + 3 * channels_out)


@dataclass(frozen=True)
class Layout:
    """How a residual network convolves.

    Attributes:
        stages: the convolution of each stage.
        is_video: three axes, or the two of a spectrogram.
    """

    stages: Sequence[Convolution]
    is_video: bool = True

    def norm(self, channels: int) -> nn.Module:
        """Batch norm over the layout's axes."""
        return nn.BatchNorm3d(channels) if self.is_video else nn.BatchNorm2d(channels)

    def pointwise(self, channels_in: int, channels_out: int, stride: int, convolve: Convolution) -> nn.Module:
        """A convolution of one position, that takes the steps of `convolve`."""
        if not self.is_video:
            return nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
        steps = (1 if convolve is over_space else stride, stride, stride)
        return nn.Conv3d(channels_in, channels_out, 1, steps, bias=False)


class ResidualBlock(nn.Module):
    """Two convolutions with batch norm beside a shortcut.

    Args:
        channels_in: channels in.
        channels_out: channels out.
        stride: 2 halves every axis of the convolution.
        convolve: makes a convolution.
        layout: of the network.
    """

    def __init__(
        self, channels_in: int, channels_out: int, stride: int, convolve: Convolution, layout: Layout
    ) -> None:
        super().__init__()
        between = channels_between(channels_in, channels_out)  # of both convolutions, as published
        self.conv1 = nn.Sequential(
            convolve(channels_in, channels_out, stride, between),
            layout.norm(channels_out),
            nn.ReLU(inplace=True),
        )
        self.conv2 = nn.Sequential(
            convolve(channels_out, channels_out, 1, between), layout.norm(channels_out)
        )
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.downsample = nn.Sequential(
                layout.pointwise(channels_in, channels_out, stride, convolve), layout.norm(channels_out)
            )

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, ...) → (B, out, ...)."""
        return torch.relu(self.conv2(self.conv1(maps)) + self.downsample(maps))


class PooledStages(nn.Module):
    """A stem and stages of convolutions, and the mean over all positions.

    Args:
        stem: before the stages.
        stages: in order.
        out_dim: width of the last one.
        recompute: how many of the first stages, whose maps are the largest, are recomputed in backward.
        pixels: scales pixels before the stem.

    Attributes:
        out_dim: width of the feature.
    """

    def __init__(
        self,
        stem: nn.Module,
        stages: Sequence[nn.Module],
        out_dim: int,
        recompute: int = 0,
        pixels: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.pixels = pixels or nn.Identity()
        self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.out_dim = out_dim
        self.recompute = recompute
        self.apply(kaiming_fan_out)

    def parameter_layers(self) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
        """From input to output, for layer-wise decay of the learning rate."""
        return [[self.stem], *([stage] for stage in self.stages)]

    def forward(self, clips: Tensor) -> Tensor:
        """Video (B, 3, T, H, W), or spectrograms (B, T, F), to features (B, D)."""
        maps: Tensor = self.stem(self.pixels(clips) if clips.dim() == 5 else clips[:, None])
        for index, stage in enumerate(self.stages):
            if index < self.recompute and torch.is_grad_enabled():
                maps = checkpoint(stage, maps, use_reentrant=False, context_fn=partial(_twice, stage))
            else:
                maps = stage(maps)
        return maps.flatten(2).mean(dim=2)


def kaiming_fan_out(module: nn.Module) -> None:
    """Kaiming-normal convolutions by fan-out, linear layers of deviation 0.02 (for `Module.apply`)."""
    if isinstance(module, nn.Conv2d | nn.Conv3d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def residual_stages(layout: Layout) -> list[nn.Module]:
    """The four stages; all but the first halve the axes of their convolutions."""
    stages: list[nn.Module] = []
    for before, width, convolve in zip((64, *WIDTHS), WIDTHS, layout.stages, strict=False):
        first = ResidualBlock(before, width, 1 if before == width else 2, convolve, layout)
        stages.append(nn.Sequential(first, ResidualBlock(width, width, 1, convolve, layout)))
    return stages


def _twice(stage: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _statistics_kept(stage)


@contextmanager
def _statistics_kept(stage: nn.Module) -> Iterator[None]:
    """Leaves batch norm's running statistics alone, which the first of the two passes has moved already."""
    norms = [m for m in stage.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm3d)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
