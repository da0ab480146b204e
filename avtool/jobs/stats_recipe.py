"""The settings of `avtool stats`."""

from pydantic import Field

from avtool.core.recipe import Recipe, option
from avtool.data.folds import Folds
from avtool.data.inputs.audio_settings import AudioSettings


class StatsRecipe(Recipe):
    """`avtool stats`."""

    split: str | None = option(
        None, "Split to look at; by default `train`, or all clips where there is none.", flag="--split"
    )
    split_column: str = option("split", "Column that names the splits.")
    folds: Folds | None = option(None, "Folds to look at: 1,2,5 or 1-4.", flag="--folds")
    fbank: bool = option(
        True, "Mean and deviation of the spectrograms, which decodes all sound.", flag="--fbank"
    )
    bins: int = option(20, "Bins of the histogram of lengths.", ge=1, le=1000)
    audio: AudioSettings = Field(default_factory=AudioSettings)
