"""The settings of the demonstration."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from avtool.core.recipe import Recipe, option
from avtool.mining.recipe import MineRecipe


class DemoRecipe(Recipe):
    """`avtool demo`."""

    films: int = option(
        4, "How many films to make; one of them is put aside to test on.", flag="--films", ge=1, le=1000
    )
    minutes: float = option(6.0, "How long each film is, in minutes.", flag="--minutes", ge=0.25, le=600)
    sounds: Path | None = option(None, "A folder of real sounds, instead of synthetic ones.", flag="--sounds")
    video: Literal["drawn", "static", "none"] = option(
        "drawn", "Video of the films.", flag="--video", formerly="picture"
    )
    pretraining: str = option(
        "pretrain/demo-mavil",
        "The recipe of a MAViL to pretrain by: a file, or a shipped one; none: leave it out.",
        flag="--pretraining",
    )
    training: str = option(
        "finetune/demo-cnn",
        "The recipe to train by: a file, or a shipped one; none: only mine.",
        flag="--training",
    )
    seed: int = option(0, "Seed of everything random.", flag="--seed", ge=0)
    mine: MineRecipe = Field(default_factory=MineRecipe)
