"""MAE, the masked autoencoder of images (He et al., CVPR 2022)."""

from dataclasses import dataclass

from avtool.models.masked.autoencoder import MaskedAutoencoder, MaskedClassifier
from avtool.models.masked.decoders import DecoderSettings, GlobalDecoder
from avtool.models.masked.fixed_positions import grid_positions
from avtool.models.masked.masking import Masking
from avtool.models.masked.patch_encoder import PatchEncoder, VitSettings
from avtool.models.masked.patch_grid import PatchGrid


@dataclass(frozen=True)
class MAESettings(VitSettings):
    """The settings of an MAE's encoder, beyond its size.

    Attributes:
        image_size: height and width of the image.
        patch_size: side of the patches.
    """

    image_size: int = 224
    patch_size: int = 16

    @property
    def grid(self) -> PatchGrid:
        """The patches of an image."""
        return PatchGrid("image", (self.image_size,) * 2, (self.patch_size,) * 2)

    def make_encoder(self, *, final_norm: bool) -> PatchEncoder:
        """The encoder."""
        positions = grid_positions(self.grid.shape, self.embed_dim)
        return PatchEncoder(self.grid, self, positions, final_norm=final_norm)


@dataclass(frozen=True)
class MAEClassifierSettings(MAESettings):
    """The settings of a classifier over MAE's encoder.

    Attributes:
        num_classes: width of the output.
    """

    num_classes: int = 1000


@dataclass(frozen=True)
class MAEPretrainSettings(DecoderSettings, MAESettings):
    """The settings of an MAE in pretraining.

    Attributes:
        mask_ratio: share of masked patches.
    """

    mask_ratio: float = 0.75

    def __post_init__(self) -> None:
        MAESettings.__post_init__(self)
        DecoderSettings.__post_init__(self)


def build_classifier(settings: MAEClassifierSettings) -> MaskedClassifier:
    """A classifier over the encoder."""
    return MaskedClassifier(settings, settings.make_encoder(final_norm=False), settings.num_classes)


def build_autoencoder(settings: MAEPretrainSettings) -> MaskedAutoencoder:
    """The masked autoencoder."""
    grid = settings.grid
    positions = grid_positions(grid.shape, settings.decoder_dim)
    decoder = GlobalDecoder(
        settings.embed_dim, settings, positions, grid.num_values, recompute=settings.recompute
    )
    masking = Masking(grid.shape, ratio=settings.mask_ratio)
    encoder = settings.make_encoder(final_norm=True)
    return MaskedAutoencoder(settings, encoder, decoder, masking, settings.decode_fraction)
