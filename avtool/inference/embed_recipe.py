"""The settings of `avtool embed`."""

from typing import Literal

from pydantic import Field

from avtool.core.recipe import Recipe, option
from avtool.core.runtime import RuntimeRecipe
from avtool.data.folds import Folds


class EmbedRecipe(Recipe):
    """`avtool embed`."""

    modality: Literal["audio", "video", "both", "image"] | None = option(
        None, "audio, video, both or image.  [default: all that the encoder takes]", flag="--modality"
    )
    hop: float | None = option(
        None, "Seconds from one window to the next.  [default: a window]", flag="--hop", gt=0
    )
    windows: int | None = option(
        None,
        "Instead of --hop: so many windows of each file, evenly spaced.",
        flag="--windows",
        ge=1,
        le=10_000,
    )
    split: str | None = option(None, "Of data sets, embed this split.", flag="--split")
    folds: Folds | None = option(None, "Of data sets, embed these folds.", flag="--folds")
    batch_size: int = option(16, "Windows at a time.", flag="--batch-size", ge=1, le=4096)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)
