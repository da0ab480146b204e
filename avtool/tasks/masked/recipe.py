"""The settings of masked reconstruction, a recipe model for each method."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from avtool.core.recipe import Recipe, option
from avtool.data.inputs.settings import SpectrogramRecipe, VideoSettings
from avtool.tasks.recipe import ClipsRecipe, EncoderRecipe
from avtool.training.recipe import TrainRecipe

_CACHE_MIB = 1024


_CACHE_HELP = "Memory for pictures that were decoded, of all loader processes together, in MiB."


DecoderName = Literal["auto", "global", "window"]


class CropsRecipe(ClipsRecipe):
    """Clips, and the crops that are taken of each."""

    crops: int = option(1, "Crops per clip and epoch; 0 tiles the whole clip.", ge=0, le=100_000)


class SoundRecipe(CropsRecipe, SpectrogramRecipe):
    """Clips of which the sound is taken."""

    roll: bool = option(False, "Rotate spectrograms in time and change their level.")


class PictureRecipe(CropsRecipe):
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


class PicturesRecipe(CropsRecipe):
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
    teacher: Path | None = option(
        None, "Stage 2: a run of stage 1, or of stage 2.", flag="--teacher", identity=False
    )
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

    model: EncoderRecipe = Field(default_factory=EncoderRecipe)
    data: PictureRecipe = Field(default_factory=PictureRecipe)
    mask: MaskRecipe = Field(default_factory=MaskRecipe)


class AudioMaeRecipe(TrainRecipe):
    """`avtool pretrain audio-mae` (Huang et al., 2022)."""

    model: EncoderRecipe = Field(default_factory=EncoderRecipe)
    decoder: DecoderName = option(
        "auto", "Attention of the decoder; auto: windows but for tiny.", flag="--decoder"
    )
    data: SoundRecipe = Field(default_factory=SoundRecipe)
    mask: AudioMaskRecipe = Field(default_factory=AudioMaskRecipe)


class VideoMaeRecipe(TrainRecipe):
    """`avtool pretrain video-mae` (Tong et al., 2022)."""

    model: EncoderRecipe = Field(default_factory=EncoderRecipe)
    data: PicturesRecipe = Field(default_factory=PicturesRecipe)
    mask: VideoMaskRecipe = Field(default_factory=VideoMaskRecipe)


class MavilRecipe(TrainRecipe):
    """`avtool pretrain mavil` (Huang et al., 2023)."""

    model: EncoderRecipe = Field(default_factory=EncoderRecipe)
    decoder: DecoderName = option("auto", "Attention of the sound's decoder; auto: windows but for tiny.")
    data: SoundAndPicturesRecipe = Field(default_factory=SoundAndPicturesRecipe)
    mask: JointMaskRecipe = Field(default_factory=JointMaskRecipe)
    mavil: ContrastRecipe = Field(default_factory=ContrastRecipe)


MaskedRecipe = ImageMaeRecipe | AudioMaeRecipe | VideoMaeRecipe | MavilRecipe
