"""The settings of `avtool pretrain`, a recipe model for each method."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from avtool.core.recipe import Recipe, option
from avtool.data.audio_settings import AudioSettings
from avtool.data.spans.settings import SpanSettings
from avtool.data.temporal_settings import TemporalSettings
from avtool.data.video_settings import VideoSettings
from avtool.jobs.division import DivisionRecipe
from avtool.jobs.sound_recipe import SpectrogramRecipe
from avtool.training.recipe import TrainRecipe

Preset = Literal["tiny", "small", "base", "large", "huge"]
_CACHE_MIB = 1024
_CACHE_HELP = "Memory for pictures that were decoded, of all loader processes together, in MiB."
DecoderName = Literal["auto", "global", "window"]


def _listed(value: object) -> object:
    """A single word as a list of one: the command line gives that where it finds no comma."""
    return (value,) if isinstance(value, str) else value


class ModelRecipe(Recipe):
    """What is trained, and from where it starts."""

    preset: Preset = option("base", "The size of the model; tiny runs on a CPU.", flag="--preset")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the architecture, such as { decoder_depth = 4 }."
    )
    init: Path | None = option(
        None,
        "Weights to start from: a model, a run, or a checkpoint file (.safetensors, .pt).",
        flag="--init",
    )
    fit_positions: bool = option(
        False, "Cut or stretch the positions of weights for another length.", flag="--interpolate-pos"
    )


class ClipsRecipe(DivisionRecipe):
    """Which clips are learned from, and which the loss is measured on."""

    max_bad: float = option(
        0.05, "Share of the clips that may be unusable; with more of them the run ends.", ge=0, le=1
    )
    crops: int = option(
        1, "Stretches taken of each clip in an epoch; 0: as many as fit, for long films.", ge=0, le=100_000
    )


class SoundRecipe(ClipsRecipe, SpectrogramRecipe):
    """Clips of which the sound is taken."""

    roll: bool = option(False, "Rotate spectrograms in time and change their level.")


class PictureRecipe(ClipsRecipe):
    """Clips of which one picture is taken: photographs, or moments of films."""

    size: int = option(224, "Side of the square that is kept, in pixels.", flag="--size", ge=8, le=1024)
    area: tuple[float, float] = option((0.2, 1.0), "Shares of the picture that are cut out, in between.")
    flip: float = option(0.5, "Probability of turning left and right round.", ge=0, le=1)
    cache_mib: int = option(_CACHE_MIB, _CACHE_HELP, flag="--cache-mib", ge=1)

    @model_validator(mode="after")
    def _check_area(self) -> "PictureRecipe":
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(f"data.area = {self.area} must rise, from above 0 to at most 1")
        return self


class PicturesRecipe(ClipsRecipe):
    """Clips of which moving pictures are taken."""

    video: VideoSettings = Field(default_factory=VideoSettings)
    cache_mib: int = option(_CACHE_MIB, _CACHE_HELP, flag="--cache-mib", ge=1)


class SoundAndPicturesRecipe(SoundRecipe):
    """Clips of which both are taken, from the same place."""

    video: VideoSettings = Field(default_factory=VideoSettings)
    cache_mib: int = option(_CACHE_MIB, _CACHE_HELP, flag="--cache-mib", ge=1)
    align: bool = option(
        False, "Let the sound and the pictures begin together, though one be longer.", flag="--align"
    )


class MaskRecipe(Recipe):
    """What is hidden, and what is rebuilt."""

    ratio: float = option(0.75, "Share of the patches that are hidden.", flag="--mask-ratio", gt=0, lt=1)
    norm_target: bool = option(
        True, "Rebuild patches less their own mean and over their own deviation.", flag="--norm-target"
    )
    decode_fraction: float = option(
        1.0,
        "Share of the hidden patches that are rebuilt in a step; half of them saves a fifth of the time.",
        flag="--decode-fraction",
        gt=0,
        le=1,
    )


class AudioMaskRecipe(MaskRecipe):
    """What of a spectrogram is hidden."""

    ratio: float = option(0.8, "Share of the patches that are hidden.", flag="--mask-ratio", gt=0, lt=1)
    kind: Literal["random", "time-frequency"] = option(
        "random", "Hide single patches, or whole times and whole frequencies.", flag="--mask"
    )
    time_ratio: float = option(0.7, "time-frequency: share of the times that are hidden.", ge=0, lt=1)
    frequency_ratio: float = option(0.3, "time-frequency: share of the frequencies.", ge=0, lt=1)


class VideoMaskRecipe(MaskRecipe):
    """What of a video is hidden."""

    ratio: float = option(0.9, "Share of the patches that are hidden.", flag="--mask-ratio", gt=0, lt=1)
    kind: Literal["tube", "random"] = option(
        "tube", "Hide the same places in all frames (tube), or any patches.", flag="--mask"
    )


class JointMaskRecipe(MaskRecipe):
    """What of sound and pictures is hidden."""

    ratio: float = option(0.8, "Share of the patches that are hidden.", flag="--mask-ratio", gt=0, lt=1)


class ContrastRecipe(Recipe):
    """MAViL: what else than the hidden patches is learned, and from which teacher."""

    stage: Literal[1, 2] = option(
        1, "1: rebuild what is hidden; 2: predict what a teacher of stage 1 makes of it.", flag="--stage"
    )
    teacher: Path | None = option(None, "Stage 2: a run of stage 1, or of stage 2.", flag="--teacher")
    fusion_layers: int = option(2, "Blocks that sound and pictures share.", ge=1, le=12)
    alpha: float = option(0.1, "Weight of the contrast between sound and pictures.", ge=0)
    beta: float = option(0.01, "Weight of the contrast between two masks of one clip.", ge=0)
    tau_inter: float = option(0.1, "Temperature of the first.", gt=0)
    tau_intra: float = option(1.0, "Temperature of the second.", gt=0)

    @model_validator(mode="after")
    def _check(self) -> "ContrastRecipe":
        if self.stage == 1 and self.teacher is not None:
            raise ValueError("stage 1 has no teacher: leave --teacher out, or add --stage 2")
        return self


class ImageMaeRecipe(TrainRecipe):
    """`avtool pretrain image-mae` (He et al., 2022)."""

    model: ModelRecipe = Field(default_factory=ModelRecipe)
    data: PictureRecipe = Field(default_factory=PictureRecipe)
    mask: MaskRecipe = Field(default_factory=MaskRecipe)


class AudioMaeRecipe(TrainRecipe):
    """`avtool pretrain audio-mae` (Huang et al., 2022)."""

    model: ModelRecipe = Field(default_factory=ModelRecipe)
    decoder: DecoderName = option(
        "auto", "Attention of the decoder; auto: windows but for tiny.", flag="--decoder"
    )
    data: SoundRecipe = Field(default_factory=SoundRecipe)
    mask: AudioMaskRecipe = Field(default_factory=AudioMaskRecipe)


class VideoMaeRecipe(TrainRecipe):
    """`avtool pretrain video-mae` (Tong et al., 2022)."""

    model: ModelRecipe = Field(default_factory=ModelRecipe)
    data: PicturesRecipe = Field(default_factory=PicturesRecipe)
    mask: VideoMaskRecipe = Field(default_factory=VideoMaskRecipe)


class MavilRecipe(TrainRecipe):
    """`avtool pretrain mavil` (Huang et al., 2023)."""

    model: ModelRecipe = Field(default_factory=ModelRecipe)
    decoder: DecoderName = option("auto", "Attention of the sound's decoder; auto: windows but for tiny.")
    data: SoundAndPicturesRecipe = Field(default_factory=SoundAndPicturesRecipe)
    mask: JointMaskRecipe = Field(default_factory=JointMaskRecipe)
    mavil: ContrastRecipe = Field(default_factory=ContrastRecipe)


MaskedRecipe = ImageMaeRecipe | AudioMaeRecipe | VideoMaeRecipe | MavilRecipe


class AvtModelRecipe(ModelRecipe):
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


PretrainRecipe = MaskedRecipe | AvtRecipe
