"""What training changes in batches of clips."""

from typing import Literal

from pydantic import model_validator

from avtool.core.recipe import Recipe, option


class AugmentRecipe(Recipe):
    """Changes to sound and labels, drawn anew for each batch; pictures have theirs in `data.video`."""

    mixup: Literal["none", "sample", "batch", "modality"] = option(
        "sample",
        "Mix clips and labels: each with any other, the batch with its reverse (MBT), or the latter for "
        "each modality apart.",
        flag="--mixup",
    )
    mixup_alpha: float = option(0.4, "Shares of the mixture come from Beta(alpha, alpha).", gt=0, le=100)
    mixup_probability: float = option(1.0, "Probability of mixing a clip (`sample`).", ge=0, le=1)
    splice: float = option(
        0.0, "Probability of one clip after the other instead of the mixture (`sample`).", ge=0, le=1
    )
    alike: float = option(
        0.0,
        "Probability that what a clip is mixed with has its label, where the batch has one (`sample`).",
        ge=0,
        le=1,
    )
    mix_waveforms: bool = option(False, "Mix waveforms, as AST does, instead of spectrograms.")
    time_roll: float = option(
        0.0, "Largest rotation in time, as a share of the stretch; 0.5 is any.", ge=0, le=0.5
    )
    frequency_mask: int = option(
        24, "Bound of the hidden mel bins; at most half of them.", flag="--freqm", ge=0
    )
    time_mask: int = option(
        48, "Bound of the hidden frames; at most half of the stretch.", flag="--timem", ge=0
    )
    mask_value: Literal["mean", "zero"] = option(
        "mean", "What stands in a mask: the training mean, or, as published, 0 before normalising."
    )
    noise: float = option(0.0, "Highest level of noise on normalised spectrograms; AST: 0.1.", ge=0, le=1)
    modality_dropout: float = option(
        0.0,
        "Probability of hiding sound or pictures of a clip, so that files that lack one can be scored.",
        flag="--modality-dropout",
        ge=0,
        le=1,
    )

    @model_validator(mode="after")
    def _check(self) -> "AugmentRecipe":
        if self.mix_waveforms and self.mixup == "modality":
            raise ValueError("augment.mix_waveforms mixes whole clips: augment.mixup is sample or batch")
        if self.splice and (self.mixup != "sample" or self.mix_waveforms):
            raise ValueError("augment.splice needs augment.mixup = sample, of spectrograms")
        if self.alike and self.mixup != "sample":
            raise ValueError("augment.alike needs augment.mixup = sample")
        return self
