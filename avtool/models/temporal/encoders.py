"""Video and audio encoders by name."""

from typing import Any

from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.models.published.pixel_statistics import PixelScale
from avtool.models.registry import create
from avtool.models.temporal.residual import (
    Layout,
    PooledStages,
    over_space,
    over_space_and_time,
    over_space_then_time,
    over_spectrogram,
    residual_stages,
)

TINY_WIDTHS = (8, 16, 32)

_VIDEO_LAYOUTS = {
    "r2plus1d18": Layout((over_space_then_time,) * 4),
    "r3d18": Layout((over_space_and_time,) * 4),
    "mc3_18": Layout((over_space_and_time, over_space, over_space, over_space)),
}
VIDEO_ARCHS = (*_VIDEO_LAYOUTS, "tiny")
AUDIO_ARCHS = ("resnet18", "ast", "ast_small", "ast_deit_tiny", "ast_tiny", "tiny")


def make_video_encoder(arch: str, *, recompute: bool = False) -> nn.Module:
    """An encoder of video (B, 3, T, H, W).

    Args:
        arch: one of `VIDEO_ARCHS`.
        recompute: trade time for memory in the first two stages of a residual network.

    Raises:
        BadInputError: there is no such encoder.
    """
    if arch == "tiny":
        return PooledStages(nn.Identity(), _plain_stages(nn.Conv3d, nn.BatchNorm3d, 3), TINY_WIDTHS[-1])
    if arch not in _VIDEO_LAYOUTS:
        raise BadInputError(f"no video encoder is called `{arch}`", f"choose one of {', '.join(VIDEO_ARCHS)}")
    layout = _VIDEO_LAYOUTS[arch]
    stem = [nn.Conv3d(3, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False), *_normed(nn.BatchNorm3d(64))]
    if arch == "r2plus1d18":
        stem = [
            nn.Conv3d(3, 45, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
            *_normed(nn.BatchNorm3d(45)),
            nn.Conv3d(45, 64, (3, 1, 1), 1, (1, 0, 0), bias=False),
            *_normed(nn.BatchNorm3d(64)),
        ]
    stages = residual_stages(layout)
    return PooledStages(nn.Sequential(*stem), stages, 512, 2 if recompute else 0, PixelScale())


def make_audio_encoder(arch: str, num_frames: int, num_mel_bins: int) -> nn.Module:
    """An encoder of spectrograms (B, T, F).

    Args:
        arch: one of `AUDIO_ARCHS`.
        num_frames: T, fixed for a Transformer.
        num_mel_bins: F, likewise.

    Raises:
        BadInputError: there is no such encoder, or a Transformer finds no patch in so few frames.
    """
    if arch == "tiny":
        return PooledStages(nn.Identity(), _plain_stages(nn.Conv2d, nn.BatchNorm2d, 1), TINY_WIDTHS[-1])
    if arch == "resnet18":
        stem = nn.Sequential(
            nn.Conv2d(1, 64, 7, 2, 3, bias=False), *_normed(nn.BatchNorm2d(64)), nn.MaxPool2d(3, 2, 1)
        )
        return PooledStages(stem, residual_stages(Layout((over_spectrogram,) * 4, is_video=False)), 512)
    if arch not in AUDIO_ARCHS:
        raise BadInputError(f"no audio encoder is called `{arch}`", f"choose one of {', '.join(AUDIO_ARCHS)}")
    name = "ast_base" if arch == "ast" else arch
    return SpectrogramTransformer(create(name, num_frames=num_frames, num_mel_bins=num_mel_bins))


class SpectrogramTransformer(nn.Module):
    """An AST without its classifier.

    Args:
        ast: the whole model, with `embed` and a `head`.

    Attributes:
        out_dim: width of the feature.
    """

    def __init__(self, ast: Any) -> None:
        super().__init__()
        ast.head = nn.Sequential()  # a head that nothing reads would have no gradient
        self.ast = ast
        self.out_dim: int = ast.settings.embed_dim

    def forward(self, audio: Tensor) -> Tensor:
        """(B, T, F) → (B, D)."""
        feature: Tensor = self.ast.embed(audio)["audio"]
        return feature


def _normed(norm: nn.Module) -> list[nn.Module]:
    return [norm, nn.ReLU(inplace=True)]


def _plain_stages(
    convolution: type[nn.Conv2d] | type[nn.Conv3d],
    norm: type[nn.BatchNorm2d] | type[nn.BatchNorm3d],
    channels: int,
) -> list[nn.Module]:
    """One convolution a stage, each of which halves every axis."""
    return [
        nn.Sequential(convolution(before, width, 3, 2, 1, bias=False), *_normed(norm(width)))
        for before, width in zip((channels, *TINY_WIDTHS), TINY_WIDTHS, strict=False)
    ]
