"""Audio-MAE, the masked autoencoder of log-mel spectrograms (Huang et al., NeurIPS 2022)."""

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from avtool.models.layers.position import Grid
from avtool.models.layers.settings import require
from avtool.models.masked.autoencoder import MaskedAutoencoder, MaskedClassifier
from avtool.models.masked.decoders import (
    Decoder,
    DecoderKind,
    DecoderSettings,
    GlobalDecoder,
    WindowDecoder,
)
from avtool.models.masked.fixed_positions import grid_positions, transposed_positions
from avtool.models.masked.masking import Masking, MaskKind
from avtool.models.masked.patch_encoder import PatchEncoder, VitSettings
from avtool.models.masked.patch_grid import PatchGrid

PosLayout = Literal["grid", "audiomae"]
"""The place that fixed positions encode of a patch: its own, or that of the published weights."""

Pool = Literal["mean", "statistics"]
"""The pooling of tokens: their mean, or their mean and standard deviation."""


def audio_positions(grid: tuple[int, ...], dim: int, layout: PosLayout) -> Tensor:
    """The table (L, dim) of patches along (time, frequency)."""
    return (transposed_positions if layout == "audiomae" else grid_positions)(grid, dim)


@dataclass(frozen=True)
class AudioMAESettings(VitSettings):
    """The settings of an Audio-MAE's encoder, beyond its size.

    Attributes:
        num_frames: frames T of the spectrogram, 100 a second.
        num_mel_bins: mel bins F.
        patch_size: side of the patches, or with `patch_bins` their frames.
        patch_bins: mel bins of a patch; 0: as many as frames.
        pos_layout: "grid", or "audiomae" for the table of the published weights; see `transposed_positions`.
    """

    num_frames: int = 1024
    num_mel_bins: int = 128
    patch_size: int = 16
    patch_bins: int = 0
    pos_layout: PosLayout = "grid"

    @property
    def grid(self) -> PatchGrid:
        """The patches of a spectrogram, along (time, frequency)."""
        box = (self.patch_size, self.patch_bins or self.patch_size)
        return PatchGrid("audio", (self.num_frames, self.num_mel_bins), box)

    def make_encoder(self, *, final_norm: bool) -> PatchEncoder:
        """The encoder."""
        positions = audio_positions(self.grid.shape, self.embed_dim, self.pos_layout)
        return PatchEncoder(self.grid, self, positions, final_norm=final_norm)


@dataclass(frozen=True)
class AudioMAEClassifierSettings(AudioMAESettings):
    """The settings of a classifier over Audio-MAE's encoder.

    Attributes:
        num_classes: width of the output.
        mask_times: share of the patches' times that training masks; the published code takes 0.2.
        mask_frequencies: share of their frequencies, likewise.
        pool: of the patches' tokens: their "mean", or their "statistics", mean and deviation.
    """

    num_classes: int = 527
    mask_times: float = 0.0
    mask_frequencies: float = 0.0
    pool: Pool = "mean"

    def __post_init__(self) -> None:
        AudioMAESettings.__post_init__(self)
        require(self.pool in get_args(Pool), f"pool is mean or statistics, not {self.pool}")


@dataclass(frozen=True)
class AudioMAEPretrainSettings(DecoderSettings, AudioMAESettings):
    """The settings of an Audio-MAE in pretraining.

    Attributes:
        mask: "random", or "time-frequency" for the union of whole times and whole frequencies.
        mask_ratio: share of masked patches, of "random".
        time_ratio: share of masked times, of "time-frequency".
        frequency_ratio: share of masked frequencies, likewise.
        decoder: "window": attention in windows of 4 x 4 patches; "global": over the whole clip.
        decoder_shift: patches in time and frequency by which every other block moves its windows. With the
            published code's (2, 0), the lower four and the upper four rows of patches never meet.
    """

    mask: MaskKind = "random"
    mask_ratio: float = 0.8
    time_ratio: float = 0.7
    frequency_ratio: float = 0.3
    decoder: DecoderKind = "window"
    decoder_shift: Grid = (2, 2)
    decoder_depth: int = 16

    def __post_init__(self) -> None:
        AudioMAESettings.__post_init__(self)
        DecoderSettings.__post_init__(self)


def make_audio_decoder(
    settings: DecoderSettings,
    grid: PatchGrid,
    embed_dim: int,
    num_values: int,
    *,
    kind: DecoderKind,
    shift: Grid,
    layout: PosLayout,
    recompute: bool = False,
) -> Decoder:
    """A decoder over patches along (time, frequency), which predicts `num_values` for each."""
    times, frequencies = grid.shape
    positions = audio_positions(grid.shape, settings.decoder_dim, layout)
    if kind == "global":
        return GlobalDecoder(embed_dim, settings, positions, num_values, recompute=recompute)
    return WindowDecoder(
        embed_dim, settings, (times, frequencies), positions, num_values, shift=shift, recompute=recompute
    )


def build_classifier(settings: AudioMAEClassifierSettings) -> MaskedClassifier:
    """A classifier over the encoder."""
    masking = None
    if settings.mask_times or settings.mask_frequencies:
        masking = Masking(
            settings.grid.shape,
            "time-frequency",
            time_ratio=settings.mask_times,
            frequency_ratio=settings.mask_frequencies,
        )
    encoder = settings.make_encoder(final_norm=False)
    deviation = settings.pool == "statistics"
    return MaskedClassifier(settings, encoder, settings.num_classes, masking, deviation=deviation)


def build_autoencoder(settings: AudioMAEPretrainSettings) -> MaskedAutoencoder:
    """The masked autoencoder."""
    grid = settings.grid
    decoder = make_audio_decoder(
        settings,
        grid,
        settings.embed_dim,
        grid.num_values,
        kind=settings.decoder,
        shift=settings.decoder_shift,
        layout=settings.pos_layout,
        recompute=settings.recompute,
    )
    masking = Masking(
        grid.shape, settings.mask, settings.mask_ratio, settings.time_ratio, settings.frequency_ratio
    )
    encoder = settings.make_encoder(final_norm=True)
    return MaskedAutoencoder(settings, encoder, decoder, masking, settings.decode_fraction)
