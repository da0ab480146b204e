"""How the sound of clips is taken in a training."""

from pydantic import Field, model_validator

from avtool.core.recipe import Recipe, option
from avtool.data.inputs.audio_settings import AudioSettings


class SpectrogramRecipe(Recipe):
    """Stretches of sound as scaled spectrograms."""

    seconds: float | None = option(
        None,
        "Length of the stretch of sound.  [default: the longest clip, at most 10]",
        flag="--seconds",
        gt=0,
        le=600,
    )
    cache: bool = option(True, "Compute spectrograms once and keep them in the cache.")
    mean: float | None = option(None, "Mean of the spectrograms.  [default: measured on the training clips]")
    std: float | None = option(None, "Their standard deviation.  [default: measured likewise]", gt=0)
    audio: AudioSettings = Field(default_factory=AudioSettings)

    @model_validator(mode="after")
    def _check_sound(self) -> "SpectrogramRecipe":
        if (self.mean is None) != (self.std is None):
            raise ValueError("data.mean and data.std belong together: set both, or neither to measure them")
        if self.audio.kind != "fbank":
            raise ValueError("no model reads waveforms: data.audio.kind must be fbank")
        return self
