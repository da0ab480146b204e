"""The settings of audio-visual temporal contrast."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from avtool.core.recipe import Recipe, option
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.inputs.settings import AudioSettings
from avtool.tasks.recipe import ClipsRecipe, EncoderRecipe
from avtool.tasks.temporal.pair_settings import TemporalSettings
from avtool.training.recipe import TrainRecipe


def _listed(value: object) -> object:
    """A single word as a list of one: the command line gives that where it finds no comma."""
    return (value,) if isinstance(value, str) else value


class AvtModelRecipe(EncoderRecipe):
    """The pair of encoders."""

    video_arch: str | None = option(
        None, "r2plus1d18, r3d18, mc3_18 or tiny.  [default: the preset's]", flag="--video-arch"
    )
    audio_arch: str | None = option(
        None, "resnet18, ast, ast_small, ast_tiny or tiny.  [default: the preset's]", flag="--audio-arch"
    )


class PairsRecipe(ClipsRecipe):
    """Clips that pairs are drawn from, and what is kept of them in memory."""

    crops: int = option(1, "Pairs taken of each clip in an epoch.", ge=1, le=100_000)
    cache: bool = option(True, "Compute spectrograms once and keep them in the cache.")
    mean: float | None = option(None, "Mean of the spectrograms.  [default: measured on the training clips]")
    std: float | None = option(None, "Their standard deviation.  [default: measured likewise]", gt=0)
    audio: AudioSettings = Field(default_factory=AudioSettings)
    pairs: TemporalSettings = Field(default_factory=TemporalSettings)
    spans: SpanSettings = Field(default_factory=SpanSettings)


class TemporalRecipe(Recipe):
    """AVT: what is contrasted with what."""

    objective: Literal["avt", "infonce", "nnclr", "avid", "gdt"] = option(
        "avt", "How clips are told apart; see the documentation.", flag="--objective"
    )
    contrast: Annotated[tuple[Literal["vv", "va", "aa"], ...], BeforeValidator(_listed)] = option(
        (), "Pairs that are contrasted: vv, va, aa.  [default: the objective's]", flag="--contrast"
    )
    temperature: float = option(0.0, "Of the contrast; 0: the objective's own.", flag="--tau", ge=0)
    alpha: float = option(0.5, "Share of neighbours among the positives.", flag="--alpha", ge=0, le=1)
    queue: int = option(16384, "Most clips that are remembered.", flag="--queue", ge=2)
    mine: Literal["consensus", "video", "audio", "union"] = option(
        "consensus", "What says that clips are alike: both modalities, one, or any.", flag="--mine"
    )
    positives: int = option(1, "Neighbours drawn for a clip.", ge=1, le=32)
    top: int = option(5, "Nearest clips that they are drawn from.", ge=1)
    negatives: int = option(1024, "Negatives drawn for a clip.", ge=0)
    positive_temperature: float = option(0.1, "Of the draw of neighbours.", gt=0)
    negative_temperature: float = option(0.5, "Of the draw of negatives; a large one is uniform.", gt=0)
    exclude: float = option(0.01, "Share of the nearest clips that are no negatives.", ge=0, lt=1)
    contrast_weight: float = option(1.0, "Weight of the contrast.", ge=0)
    time_weight: float = option(1.0, "Weight of the questions about time.", ge=0)


class AvtRecipe(TrainRecipe):
    """`avtool pretrain avt` (after Jenni et al., 2023)."""

    model: AvtModelRecipe = Field(default_factory=AvtModelRecipe)
    data: PairsRecipe = Field(default_factory=PairsRecipe)
    temporal: TemporalRecipe = Field(default_factory=TemporalRecipe)
