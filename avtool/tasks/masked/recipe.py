"""Recipes of masked reconstruction, one a method."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from avtool.core.recipe import Recipe, option
from avtool.data.inputs.settings import SpectrogramRecipe, VideoSettings
from avtool.tasks.recipe import ClipsRecipe, EncoderRecipe
from avtool.training.recipe import TrainRecipe

if TYPE_CHECKING:
    from avtool.models.masked.targets import TargetKind

_CACHE_MIB = 1024


_CACHE_HELP = "Memory for decoded frames, of all loader processes together, in MiB."


DecoderName = Literal["auto", "global", "window"]


class CropsRecipe(ClipsRecipe):
    """Clips, and the crops that are taken of each."""

    crops: int = option(1, "Crops per clip and epoch; 0 tiles the whole clip.", ge=0, le=100_000)


class AudioRecipe(CropsRecipe, SpectrogramRecipe):
    """Audio of clips."""

    roll: bool = option(False, "Shift spectrograms circularly in time and scale their level.")


class ImageRecipe(CropsRecipe):
    """One image a clip: a photograph, or a frame of a film."""

    size: int = option(224, "Side of the square crop in pixels.", flag="--size", ge=8, le=1024)
    area: tuple[float, float] = option((0.2, 1.0), "Range of the crop's share of the image.")
    flip: float = option(0.5, "Probability of a horizontal flip.", ge=0, le=1)
    cache_mib: int = option(_CACHE_MIB, _CACHE_HELP, identity=False, ge=1)

    @model_validator(mode="after")
    def _check_area(self) -> "ImageRecipe":
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(f"data.area = {self.area} must rise, from above 0 to at most 1")
        return self


class VideoRecipe(CropsRecipe):
    """Video of clips."""

    video: VideoSettings = Field(default_factory=VideoSettings)
    cache_mib: int = option(_CACHE_MIB, _CACHE_HELP, identity=False, ge=1)


class AudioVideoRecipe(AudioRecipe):
    """Audio and video of clips, from the same place."""

    video: VideoSettings = Field(default_factory=VideoSettings)
    cache_mib: int = option(_CACHE_MIB, _CACHE_HELP, identity=False, ge=1)
    align: bool = option(
        False, "Start audio and video together; else the shorter lies anywhere within the longer."
    )


class MaskRecipe(Recipe):
    """Masks and reconstruction targets."""

    ratio: float = option(0.75, "Share of the patches that are masked.", flag="--mask-ratio", gt=0, lt=1)
    norm_target: bool = option(True, "Normalise target patches by their own mean and standard deviation.")
    decode_fraction: float = option(
        1.0,
        "Share of the masked patches that are decoded in a step.",
        gt=0,
        le=1,
    )


class AudioMaskRecipe(MaskRecipe):
    """Masks of a spectrogram."""

    ratio: float = option(0.8, "Share of the patches that are masked.", flag="--mask-ratio", gt=0, lt=1)
    kind: Literal["random", "time-frequency"] = option(
        "random", "Mask single patches, or whole columns of time and rows of frequency."
    )
    time_ratio: float = option(0.7, "time-frequency: share of masked time columns.", ge=0, lt=1)
    frequency_ratio: float = option(0.3, "time-frequency: share of masked frequency rows.", ge=0, lt=1)


class VideoMaskRecipe(MaskRecipe):
    """Masks of a video."""

    ratio: float = option(0.9, "Share of the patches that are masked.", flag="--mask-ratio", gt=0, lt=1)
    kind: Literal["tube", "random"] = option(
        "tube", "Mask the same patches in all frames (tube), or any patches."
    )


class JointMaskRecipe(MaskRecipe):
    """Masks of audio and video."""

    ratio: float = option(0.8, "Share of the patches that are masked.", gt=0, lt=1)


class ContrastRecipe(Recipe):
    """MAViL: contrastive losses and the teacher."""

    stage: Literal[1, 2] = option(
        1, "1: reconstruct masked patches; 2: predict a teacher's features of them.", flag="--stage"
    )
    teacher: Path | None = option(
        None, "Stage 2: a run of stage 1, or of stage 2.", flag="--teacher", identity=False
    )
    fusion_layers: int = option(2, "Transformer blocks that audio and video share.", ge=1, le=12)
    alpha: float = option(0.1, "Weight of the contrast between audio and video.", ge=0)
    beta: float = option(0.01, "Weight of the contrast between two masks of one clip.", ge=0)
    tau_inter: float = option(0.1, "Temperature of the contrast between audio and video.", gt=0)
    tau_intra: float = option(1.0, "Temperature of the contrast between two masks.", gt=0)

    @model_validator(mode="after")
    def _check(self) -> "ContrastRecipe":
        if self.stage == 1 and self.teacher is not None:
            raise ValueError("stage 1 has no teacher: leave --teacher out, or add --stage 2")
        return self


class MaskedRecipe(TrainRecipe):
    """The keys of every masked reconstruction."""

    model: EncoderRecipe = Field(default_factory=EncoderRecipe)
    data: CropsRecipe = Field(default_factory=CropsRecipe)
    mask: MaskRecipe = Field(default_factory=MaskRecipe)

    def network_settings(self) -> dict[str, Any]:
        """The settings of the network that keys of the recipe decide."""
        return {"mask_ratio": self.mask.ratio, "decode_fraction": self.mask.decode_fraction}

    @property
    def target(self) -> "TargetKind | None":
        """The reconstruction target; None where a teacher's features are predicted instead."""
        return "patch" if self.mask.norm_target else "values"


class ImageMaeRecipe(MaskedRecipe):
    """`avtool pretrain image-mae` (He et al., 2022)."""

    data: ImageRecipe = Field(default_factory=ImageRecipe)


class AudioMaeRecipe(MaskedRecipe):
    """`avtool pretrain audio-mae` (Huang et al., 2022)."""

    decoder: DecoderName = option("auto", "Attention of the decoder; auto: windows, but global for tiny.")
    data: AudioRecipe = Field(default_factory=AudioRecipe)
    mask: AudioMaskRecipe = Field(default_factory=AudioMaskRecipe)

    def network_settings(self) -> dict[str, Any]:
        """See `MaskedRecipe.network_settings`."""
        mask = self.mask
        chosen = {**super().network_settings(), "mask": mask.kind}
        if mask.kind == "time-frequency":
            chosen |= {"time_ratio": mask.time_ratio, "frequency_ratio": mask.frequency_ratio}
        return chosen if self.decoder == "auto" else {**chosen, "decoder": self.decoder}


class VideoMaeRecipe(MaskedRecipe):
    """`avtool pretrain video-mae` (Tong et al., 2022)."""

    data: VideoRecipe = Field(default_factory=VideoRecipe)
    mask: VideoMaskRecipe = Field(default_factory=VideoMaskRecipe)

    def network_settings(self) -> dict[str, Any]:
        """See `MaskedRecipe.network_settings`."""
        return {**super().network_settings(), "mask": self.mask.kind}

    @property
    def target(self) -> "TargetKind":
        """Each colour of a patch normalised by its own mean and deviation, or the values."""
        return "channel" if self.mask.norm_target else "values"


class JointEncoderRecipe(EncoderRecipe):
    """Encoders of audio and video to pretrain; each may start from a model of its own modality."""

    init: Path | None = option(None, "Initial weights of the whole: a MAViL, or its run.", identity=False)
    init_video: Path | None = option(
        None, "Initial weights of the video encoder and the fusion: an image MAE.", flag="--init-video",
        identity=False,
    )  # fmt: skip
    init_audio: Path | None = option(
        None, "Initial weights of the audio encoder: an Audio-MAE, or an image MAE.", flag="--init-audio",
        identity=False,
    )  # fmt: skip
    rescale_kernel: bool = option(
        True, "Divide the image kernel by the frames that it is repeated over; the published model does not."
    )


class MavilRecipe(MaskedRecipe):
    """`avtool pretrain mavil` (Huang et al., 2023)."""

    model: JointEncoderRecipe = Field(default_factory=JointEncoderRecipe)

    decoder: DecoderName = option(
        "auto", "Attention of the audio decoder; auto: windows, but global for tiny."
    )
    data: AudioVideoRecipe = Field(default_factory=AudioVideoRecipe)
    mask: JointMaskRecipe = Field(default_factory=JointMaskRecipe)
    mavil: ContrastRecipe = Field(default_factory=ContrastRecipe)

    def network_settings(self) -> dict[str, Any]:
        """See `MaskedRecipe.network_settings`."""
        chosen: dict[str, Any] = {
            "audio_mask_ratio": self.mask.ratio,
            "video_mask_ratio": self.mask.ratio,
            "decode_fraction": self.mask.decode_fraction,
            "fusion_layers": self.mavil.fusion_layers,
            "predicts": "pixels" if self.mavil.stage == 1 else "features",
        }
        return chosen if self.decoder == "auto" else {**chosen, "audio_decoder": self.decoder}

    @property
    def target(self) -> "TargetKind | None":
        """See `MaskedRecipe.target`; None in stage 2."""
        return super().target if self.mavil.stage == 1 else None
