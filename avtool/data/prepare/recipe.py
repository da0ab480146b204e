"""The settings of `avtool prepare`."""

from typing import Literal

from pydantic import Field, model_validator

from avtool.core.recipe import Recipe, option
from avtool.data.readers.layouts import AUTO, READERS

Shares = tuple[float, float, float]


class CopyRecipe(Recipe):
    """Small copies of the media inside the dataset, which training reads many times faster."""

    enabled: bool = option(
        False, "Copy media: films small, with short GOPs; sounds as FLAC.", flag="--reencode"
    )
    height: int = option(256, "Shorter side of copied frames.", flag="--height", ge=16, le=4320)
    gop: int = option(25, "Frames from one key frame of a copy to the next.", ge=1, le=1000)
    sample_rate: int = option(16000, "Sample rate of copied audio in Hz.", flag="--sr", ge=8000, le=48000)


class PrepareRecipe(Recipe):
    """`avtool prepare`."""

    layout: str = option(
        AUTO, f"Layout of the source: {', '.join([AUTO, *sorted(READERS.names())])}.", flag="--layout"
    )
    official_split: int = option(
        1, "Which official split fills `split` (UCF101, HMDB51).", flag="--official-split", ge=1, le=3
    )
    separator: str = option(";", "Between several labels in a cell of a CSV file.", min_length=1)
    classes: int | None = option(
        None,
        "Keep N classes: the first of the dataset's own list, or else the most frequent.",
        flag="--classes",
        ge=1,
    )
    split: Shares | None = option(
        None, "New split into train, val and test, by group: 0.8,0.1,0.1.", flag="--split"
    )
    seed: int = option(0, "Seed of the split.", flag="--seed", ge=0)
    check: Literal["decode", "headers"] = option(
        "decode", "Look at media by decoding their clips, or only at their headers.", flag="--check"
    )
    copies: CopyRecipe = Field(default_factory=CopyRecipe)

    @model_validator(mode="after")
    def _check(self) -> "PrepareRecipe":
        if self.layout != AUTO:
            READERS.find(self.layout)
        if self.split and (min(self.split) < 0 or abs(sum(self.split) - 1) > 1e-6):
            raise ValueError(f"split {self.split} must be three shares that sum to 1")
        return self
