"""Augmentation of batches of labelled clips."""

from typing import Literal

from pydantic import model_validator

from avtool.core.recipe import Recipe, option


class AugmentRecipe(Recipe):
    """Augmentation of inputs and labels; scale, flips and colours of video are in `data.video`."""

    mixup: Literal["none", "sample", "batch", "modality"] = option(
        "sample",
        "Mixup of clips and labels: each with any other, the batch with its reverse (MBT), or the latter "
        "for each modality apart.",
    )
    mixup_alpha: float = option(0.4, "Mixing weights come from Beta(alpha, alpha).", gt=0, le=100)
    mixup_probability: float = option(1.0, "Probability of mixing a clip (`sample`).", ge=0, le=1)
    cutmix: float = option(
        0.0,
        "Probability of CutMix in place of mixup: along time (`sample`), or of a rectangle of images or "
        "video (`batch`); MAE: 0.5.",
        formerly="splice",
        ge=0,
        le=1,
    )
    cutmix_alpha: float = option(1.0, "`batch`: the kept share comes from Beta(alpha, alpha).", gt=0, le=100)
    same_class: float = option(
        0.0,
        "Probability of a mixing partner with the same label, where the batch has one (`sample`).",
        formerly="alike",
        ge=0,
        le=1,
    )
    mix_waveforms: bool = option(False, "Mix waveforms, as AST does, instead of spectrograms.")
    time_roll: float = option(
        0.0, "Largest circular shift in time, as a share of the segment; 0.5 is any.", ge=0, le=0.5
    )
    frequency_mask: int = option(
        24, "SpecAugment: largest mask width in mel bins, at most half of them; 0 for none.", ge=0
    )
    time_mask: int = option(
        48, "SpecAugment: largest mask width in frames, at most half of them; 0 for none.", ge=0
    )
    frequency_masks: int = option(1, "SpecAugment: masks of mel bins.", ge=1, le=32)
    time_masks: int = option(1, "SpecAugment: masks of frames; MBT: 4.", ge=1, le=32)
    mask_value: Literal["mean", "zero"] = option(
        "mean", "Value in a mask: the training mean, or, as published, 0 before normalisation."
    )
    noise: float = option(
        0.0, "Largest level of uniform noise on normalised spectrograms; AST: 0.1.", ge=0, le=1
    )
    crop_area: tuple[float, float] | None = option(
        None,
        "Random crops of images and video: range of their share of the area; MAE: 0.08, 1.  [default: of "
        "images 0.2, 1; of video squares by data.video.scale]",
    )
    rand_augment: str = option(
        "",
        "RandAugment of images and video in timm's notation, such as rand-m9-mstd0.5-inc1; empty: none.",
        pattern=r"^(rand(-[a-z]+\d+(\.\d+)?)+)?$",
    )
    erase: float = option(
        0.0, "Probability of erasing a random rectangle of an image or video; MAE: 0.25.", ge=0, le=1
    )
    modality_dropout: float = option(
        0.0,
        "Probability of dropping audio or video of a clip, so that files without one can be scored.",
        ge=0,
        le=1,
    )

    @model_validator(mode="after")
    def _check(self) -> "AugmentRecipe":
        if self.mix_waveforms and self.mixup == "modality":
            raise ValueError("augment.mix_waveforms mixes whole clips: augment.mixup is sample or batch")
        if self.cutmix and (self.mixup not in {"sample", "batch"} or self.mix_waveforms):
            raise ValueError(
                "augment.cutmix needs augment.mixup = sample, of spectrograms, or batch, of frames"
            )
        if self.crop_area and not 0 < self.crop_area[0] <= self.crop_area[1] <= 1:
            raise ValueError(f"augment.crop_area {self.crop_area} must rise, from above 0 to at most 1")
        if self.same_class and self.mixup != "sample":
            raise ValueError("augment.same_class needs augment.mixup = sample")
        return self
