"""VideoMAE, the masked autoencoder of short videos (Tong et al., NeurIPS 2022)."""

from dataclasses import dataclass

from avtool.models.layers.position import sinusoids
from avtool.models.masked.autoencoder import MaskedAutoencoder, MaskedClassifier
from avtool.models.masked.decoders import DecoderSettings, GlobalDecoder
from avtool.models.masked.masking import Masking, MaskKind
from avtool.models.masked.patch_encoder import PatchEncoder, VitSettings
from avtool.models.masked.patch_grid import PatchGrid


@dataclass(frozen=True)
class VideoMAESettings(VitSettings):
    """The settings of a VideoMAE's encoder, beyond its size.

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
    """The settings of a classifier over VideoMAE's encoder.

    Attributes:
        num_classes: width of the output.
    """

    num_classes: int = 400


@dataclass(frozen=True)
class VideoMAEPretrainSettings(DecoderSettings, VideoMAESettings):
    """The settings of a VideoMAE in pretraining.

    Attributes:
        mask: "tube" masks places of the frame for all times; "random" each box independently.
        mask_ratio: share of masked places, or boxes.
    """

    mask: MaskKind = "tube"
    mask_ratio: float = 0.9
    decoder_dim: int = 384
    decoder_depth: int = 4
    decoder_heads: int = 6

    def __post_init__(self) -> None:
        VideoMAESettings.__post_init__(self)
        DecoderSettings.__post_init__(self)


def build_classifier(settings: VideoMAEClassifierSettings) -> MaskedClassifier:
    """A classifier over the encoder."""
    return MaskedClassifier(settings, settings.make_encoder(final_norm=False), settings.num_classes)


def build_autoencoder(settings: VideoMAEPretrainSettings) -> MaskedAutoencoder:
    """The masked autoencoder."""
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
