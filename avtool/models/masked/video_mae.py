"""VideoMAE, the masked autoencoder of short videos (Tong et al., NeurIPS 2022)."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from avtool.models.layers.position import sinusoids
from avtool.models.layers.settings import settle
from avtool.models.masked.autoencoder import MaskedAutoencoder, MaskedClassifier
from avtool.models.masked.decoders import DecoderSettings, GlobalDecoder
from avtool.models.masked.masking import Masking, MaskKind
from avtool.models.masked.patch_encoder import PatchEncoder, VitSettings
from avtool.models.masked.patch_grid import PatchGrid
from avtool.models.registry import register


@dataclass(frozen=True)
class VideoMAESettings(VitSettings):
    """What defines a VideoMAE's encoder, beyond its size.

    Positions are sines and cosines of a token's number; there is no class token.

    Attributes:
        video_frames: frames T of the video.
        image_size: height and width of a frame.
        tubelet_frames: frames in a patch.
        patch_size: side of the patches.
    """

    video_frames: int = 16
    image_size: int = 224
    tubelet_frames: int = 2
    patch_size: int = 16

    @property
    def grid(self) -> PatchGrid:
        """The boxes of a video, along (time, row, column)."""
        size = (self.video_frames, self.image_size, self.image_size)
        return PatchGrid("video", size, (self.tubelet_frames, self.patch_size, self.patch_size))

    def make_encoder(self, *, final_norm: bool) -> PatchEncoder:
        """The encoder."""
        positions = sinusoids(self.grid.num_tokens, self.embed_dim)
        return PatchEncoder(self.grid, self, positions, class_token=False, final_norm=final_norm)


@dataclass(frozen=True)
class VideoMAEClassifierSettings(VideoMAESettings):
    """What defines a classifier over VideoMAE's encoder.

    Attributes:
        num_classes: width of the output.
    """

    num_classes: int = 400


@dataclass(frozen=True)
class VideoMAEPretrainSettings(DecoderSettings, VideoMAESettings):
    """What defines a VideoMAE in pretraining.

    Attributes:
        mask: "tube" hides places of the picture for all times; "random" each box for itself.
        mask_ratio: share of hidden places, or boxes.
    """

    mask: MaskKind = "tube"
    mask_ratio: float = 0.9
    decoder_dim: int = 384
    decoder_depth: int = 4
    decoder_heads: int = 6

    def __post_init__(self) -> None:
        VideoMAESettings.__post_init__(self)
        DecoderSettings.__post_init__(self)


SIZES: dict[str, dict[str, Any]] = {
    "small": {"embed_dim": 384, "num_heads": 6},
    "base": {},
    "large": {"embed_dim": 1024, "depth": 24, "num_heads": 16},
    "huge": {"embed_dim": 1280, "depth": 32, "num_heads": 16},
    "tiny": {"embed_dim": 64, "depth": 2, "num_heads": 4, "video_frames": 4, "image_size": 32},
}
DECODERS: dict[str, dict[str, Any]] = {
    "small": {"decoder_dim": 192, "decoder_heads": 3},
    "base": {},
    "large": {"decoder_dim": 512, "decoder_heads": 8},
    "huge": {"decoder_dim": 640, "decoder_heads": 8},
    "tiny": {"decoder_dim": 32, "decoder_depth": 2, "decoder_heads": 4},
}


def _classifier(size: str, **overrides: Any) -> MaskedClassifier:
    defaults = {**SIZES[size], **({"num_classes": 10} if size == "tiny" else {})}
    settings = settle(VideoMAEClassifierSettings, overrides, **defaults)
    return MaskedClassifier(settings, settings.make_encoder(final_norm=False), settings.num_classes)


def _autoencoder(size: str, **overrides: Any) -> MaskedAutoencoder:
    settings = settle(VideoMAEPretrainSettings, overrides, **SIZES[size], **DECODERS[size])
    grid = settings.grid
    decoder = GlobalDecoder(
        settings.embed_dim,
        settings,
        sinusoids(grid.num_tokens, settings.decoder_dim),
        grid.num_values,
        class_token=False,
        embed_bias=False,
        recompute=settings.recompute,
    )
    masking = Masking(grid.shape, settings.mask, settings.mask_ratio)
    encoder = settings.make_encoder(final_norm=True)
    return MaskedAutoencoder(settings, encoder, decoder, masking, settings.decode_fraction)


for _size in SIZES:
    register(f"video_mae_{_size}")(partial(_classifier, _size))
    register(f"video_mae_{_size}_pretrain")(partial(_autoencoder, _size))
