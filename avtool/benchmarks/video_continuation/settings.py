"""Settings of continuations."""

from pathlib import Path

from pydantic import Field

from avtool.core.recipe import Recipe, option
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.generation.generator import SamplingRecipe


class VideoContinuationSettings(Recipe):
    """Settings of continuations."""

    data: Path | None = option(
        None, "The videos of the training: its split divides them again.", flag="--data"
    )
    model: Path | None = option(None, "A run of `generate train`, or its model.", flag="--model")
    encoder: Path | None = option(
        None, "Encoder of your own, for distances of features beside those of pixels.", flag="--encoder"
    )
    clips: int = option(64, "Pairs of held-out clips at most, evenly spaced.", flag="--clips", ge=2, le=4096)
    seed: int = option(0, "Seed of the first continuation.", flag="--seed", ge=0)
    split_seed: int = option(0, "Seed of the training, which decides what is held out.", ge=0)
    val_share: float = option(0.1, "Share held out, as in the training (`data.val_share`).", gt=0, lt=1)
    sampling: SamplingRecipe = Field(default_factory=SamplingRecipe)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)
