"""Recipe of audio-visual temporal contrast."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from avtool.core.recipe import Recipe, listed, option
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.inputs.settings import AudioSettings
from avtool.tasks.recipe import ClipsRecipe, EncoderRecipe
from avtool.tasks.temporal.pair_settings import PairSettings
from avtool.training.recipe import TrainRecipe


class AvtModelRecipe(EncoderRecipe):
    """The pair of encoders."""

    video_arch: str | None = option(
        None, "Video encoder: r2plus1d18, r3d18, mc3_18 or tiny.  [default: the preset's]"
    )
    audio_arch: str | None = option(
        None, "Audio encoder: resnet18, ast, ast_small, ast_tiny or tiny.  [default: the preset's]"
    )


class PairsRecipe(ClipsRecipe):
    """Clips that pairs are drawn from, and what is kept of them in memory."""

    crops: int = option(1, "Pairs per clip and epoch.", ge=1, le=100_000)
    cache: bool = option(True, "Compute spectrograms once and keep them in the cache.")
    mean: float | None = option(None, "Mean of the spectrograms.  [default: measured on the training clips]")
    std: float | None = option(None, "Their standard deviation.  [default: measured likewise]", gt=0)
    audio: AudioSettings = Field(default_factory=AudioSettings)
    pairs: PairSettings = Field(default_factory=PairSettings)
    spans: SpanSettings = Field(default_factory=SpanSettings)


class TemporalRecipe(Recipe):
    """The contrastive objective."""

    objective: Literal["avt", "infonce", "nnclr", "avid", "gdt"] = option(
        "avt", "Contrastive objective: AVT, InfoNCE, NNCLR, AVID or GDT.", flag="--objective"
    )
    contrast: Annotated[tuple[Literal["vv", "va", "aa"], ...], BeforeValidator(listed)] = option(
        (), "Contrasted pairs of modalities: vv, va, aa.  [default: the objective's]"
    )
    temperature: float = option(0.0, "Temperature; 0 for the objective's own.", ge=0)
    alpha: float = option(0.5, "Share of nearest neighbours among the positives.", ge=0, le=1)
    queue: int = option(16384, "Size of the memory bank in clips.", ge=2)
    mine: Literal["consensus", "video", "audio", "union"] = option(
        "consensus", "Similarity that mines neighbours: of both modalities, of one, or of either."
    )
    positives: int = option(1, "Neighbours drawn per clip.", ge=1, le=32)
    top: int = option(5, "Nearest neighbours that they are drawn from.", ge=1)
    negatives: int = option(1024, "Negatives drawn per clip.", ge=0)
    positive_temperature: float = option(0.1, "Temperature of the draw of neighbours.", gt=0)
    negative_temperature: float = option(
        0.5, "Temperature of the draw of negatives; a large one is uniform.", gt=0
    )
    exclude: float = option(0.01, "Share of nearest clips that are excluded from the negatives.", ge=0, lt=1)
    contrast_weight: float = option(1.0, "Weight of the contrastive loss.", ge=0)
    time_weight: float = option(1.0, "Weight of the temporal pretext tasks.", ge=0)


class AvtRecipe(TrainRecipe):
    """`avtool pretrain avt` (after Jenni et al., 2023)."""

    model: AvtModelRecipe = Field(default_factory=AvtModelRecipe)
    data: PairsRecipe = Field(default_factory=PairsRecipe)
    temporal: TemporalRecipe = Field(default_factory=TemporalRecipe)
