"""Recipes of PVDM's autoencoder and diffusion model."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, model_validator

from avtool.core.recipe import Recipe, listed, option
from avtool.training.recipe import (
    EmaRecipe,
    LoopRecipe,
    OptimizationRecipe,
    OptimizerRecipe,
    ScheduleRecipe,
    TrainRecipe,
)

_SIZE = re.compile(r"(\d+)(?:x(\d+))?")


def _check_size(text: str) -> str:
    found = _SIZE.fullmatch(text)
    if not found or any(not 8 <= int(side) <= 1024 for side in found.groups() if side):
        raise ValueError(f"`{text}` is no size: write 64, or 64x96 (height x width), each from 8 to 1024")
    return text


FrameSize = Annotated[str, BeforeValidator(lambda value: str(value).strip()), AfterValidator(_check_size)]
"""A checked text such as `64`, or `64x96`: height x width in pixels."""


def sides(size: str) -> tuple[int, int]:
    """The (height, width) of a `FrameSize`."""
    height, _, width = size.partition("x")
    return int(height), int(width or height)


class VideosRecipe(Recipe):
    """Videos, and the clips that are cut from them."""

    val_share: float = option(
        0.1, "Share held out where the source has no splits: of its videos, or of a single video's end.",
        ge=0, lt=1,
    )  # fmt: skip
    val_windows: int = option(2, "Evenly spaced clips of each validation video.", ge=1, le=1000)


class ClipVideosRecipe(VideosRecipe):
    """Clips of pixels."""

    size: FrameSize = option(
        "256", "Frames in pixels, 64 or 64x96 (height x width), cut around their centre.", flag="--size"
    )
    frames: int = option(16, "Consecutive frames of a clip.", flag="--frames", ge=1, le=256)
    windows: int = option(
        1, "Clips of each training video in an epoch, anywhere in it; 0: as many as fit side by side.", ge=0
    )


class LatentVideosRecipe(VideosRecipe):
    """Clips of latents, which are computed once."""

    windows: int = option(
        8, "Evenly spaced pairs of clips of each video whose latents are kept.", flag="--latent-cache", ge=1
    )
    conditional: float = option(
        0.3, "Probability of learning the next clip instead of a first one.", flag="--cond-prob", ge=0, le=1
    )


class VideoModelRecipe(Recipe):
    """The autoencoder."""

    name: str = option("pvdm_autoencoder", "Architecture, as `avtool models list` names it.", flag="--model")
    arguments: dict[str, Any] = option({}, "Its settings, such as { patch = 4, depth = 4 }.")
    init: Path | None = option(
        None, "Initial weights: a run of stage 1, a model, or published weights.", flag="--init",
        identity=False,  # their content is an input of the run
    )  # fmt: skip


class DiffusionModelRecipe(Recipe):
    """The U-Net, and the autoencoder of its latents."""

    name: str = option("pvdm_unet_s", "Architecture: pvdm_unet_s, pvdm_unet_l, …", flag="--model")
    arguments: dict[str, Any] = option({}, "Its settings, such as { plane_embed = true }.")
    autoencoder: Path | None = option(
        None, "The autoencoder: a run of `generate train-autoencoder`, or its model.", flag="--autoencoder",
        identity=False,  # its content is an input of the run
    )  # fmt: skip
    init: Path | None = option(
        None, "Initial weights: a run, a model, or published weights.", flag="--init", identity=False
    )


class AutoencoderLossRecipe(Recipe):
    """Weights of the objective's terms."""

    pixel: float = option(4.0, "Weight of L1 between clips.", ge=0)
    perceptual: float = option(4.0, "Weight of the perceptual distance of one frame a clip.", ge=0)
    adversarial: float = option(1.0, "Stage 2: weight of the discriminators' logits.", ge=0)
    feature: float = option(4.0, "Stage 2: weight of L1 between the discriminators' features.", ge=0)
    lpips: Annotated[tuple[Path, ...], BeforeValidator(listed)] = option(
        (), "Weights of LPIPS: VGG16.pth,vgg.pth, or one file of both.  [default: L1 at three scales]",
        flag="--lpips", identity=False,  # their content is an input of the run
    )  # fmt: skip
    widths: tuple[PositiveInt, ...] = option(
        (64, 128, 256, 512), "Stage 2: channels of the discriminators.", min_length=1
    )


class VideoDistanceRecipe(Recipe):
    """A distance of generated or reconstructed clips from real ones, in each validation."""

    encoder: Path | None = option(
        None, "Validation: Fréchet distance by the features of this encoder (`fvd_own`).",
        flag="--fvd-encoder", identity=False,
    )  # fmt: skip
    weights: Path | None = option(
        None, "Validation: Fréchet distance by I3D: TorchScript, or the pickle of the JAX port.",
        flag="--fvd-weights", identity=False,
    )  # fmt: skip
    clips: int = option(128, "Clips of each side at most.", ge=2, le=65536)

    @property
    def files(self) -> list[Path]:
        """The networks that are given."""
        return [path for path in (self.encoder, self.weights) if path is not None]

    @model_validator(mode="after")
    def _check(self) -> "VideoDistanceRecipe":
        if self.encoder is not None and self.weights is not None:
            raise ValueError("--fvd-encoder and --fvd-weights are both given: their distances differ")
        return self


class SampledDistanceRecipe(VideoDistanceRecipe):
    """The same of drawn clips."""

    is_weights: Path | None = option(
        None, "C3D of UCF-101 as TorchScript, for the inception score.", identity=False
    )
    steps: int = option(20, "Steps of each drawn clip.", ge=1, le=1000)

    @property
    def files(self) -> list[Path]:
        """The networks that are given."""
        return [*super().files, *([self.is_weights] if self.is_weights else [])]


class AutoencoderOptimizer(OptimizerRecipe):
    """AdamW as published."""

    lr: float = option(1e-4, "Learning rate at the schedule's peak.", flag="--lr", gt=0, le=1000)
    betas: tuple[float, float] = option((0.5, 0.9), "Adam's betas: decay of its first and second moment.")
    weight_decay: float = option(0.01, "Weight decay of weight matrices.", ge=0, lt=1)


class DiffusionOptimizer(OptimizerRecipe):
    """AdamW as published."""

    lr: float = option(1e-4, "Learning rate at the schedule's peak.", flag="--lr", gt=0, le=1000)
    weight_decay: float = option(0.01, "Weight decay of weight matrices.", ge=0, lt=1)


class ConstantSchedule(ScheduleRecipe):
    """A constant rate."""

    name: Literal["cosine", "one-cycle", "step", "linear", "constant", "plateau"] = option(
        "constant", "Learning-rate schedule."
    )


class DiscriminatorRecipe(OptimizationRecipe):
    """The optimiser of the discriminators."""

    optimizer: AutoencoderOptimizer = Field(default_factory=AutoencoderOptimizer)
    schedule: ConstantSchedule = Field(default_factory=ConstantSchedule)


class AutoencoderLoop(LoopRecipe):
    """Batches of eight clips."""

    batch_size: int = option(8, "Batch size per process, in samples.", flag="--batch-size", ge=1)


class DiffusionLoop(LoopRecipe):
    """Batches of 64 latents."""

    batch_size: int = option(64, "Batch size per process, in samples.", flag="--batch-size", ge=1)


class DiffusionEma(EmaRecipe):
    """The average that samples are drawn with."""

    decay: float = option(0.9999, "EMA decay; 0 disables.", flag="--ema", ge=0, lt=1)


class VideoAutoencoderRecipe(TrainRecipe):
    """`avtool generate train-autoencoder`."""

    stage: Literal[1, 2] = option(
        1, "1: reconstruct; 2: with discriminators too, from --init, a run of stage 1.", flag="--stage"
    )
    model: VideoModelRecipe = Field(default_factory=VideoModelRecipe)
    data: ClipVideosRecipe = Field(default_factory=ClipVideosRecipe)
    loss: AutoencoderLossRecipe = Field(default_factory=AutoencoderLossRecipe)
    distance: VideoDistanceRecipe = Field(default_factory=VideoDistanceRecipe)
    optimizer: AutoencoderOptimizer = Field(default_factory=AutoencoderOptimizer)
    schedule: ConstantSchedule = Field(default_factory=ConstantSchedule)
    discriminator: DiscriminatorRecipe = Field(default_factory=DiscriminatorRecipe)
    loop: AutoencoderLoop = Field(default_factory=AutoencoderLoop)


class VideoDiffusionRecipe(TrainRecipe):
    """`avtool generate train`."""

    model: DiffusionModelRecipe = Field(default_factory=DiffusionModelRecipe)
    data: LatentVideosRecipe = Field(default_factory=LatentVideosRecipe)
    distance: SampledDistanceRecipe = Field(default_factory=SampledDistanceRecipe)
    optimizer: DiffusionOptimizer = Field(default_factory=DiffusionOptimizer)
    schedule: ConstantSchedule = Field(default_factory=ConstantSchedule)
    ema: DiffusionEma = Field(default_factory=DiffusionEma)
    loop: DiffusionLoop = Field(default_factory=DiffusionLoop)
