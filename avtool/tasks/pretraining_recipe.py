"""The settings of `avtool pretrain`, a recipe model for each method."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from avtool.core.recipe import Recipe, option
from avtool.data.splits import DivisionRecipe

Preset = Literal["tiny", "small", "base", "large", "huge"]


class ModelRecipe(Recipe):
    """What is trained, and from where it starts."""

    preset: Preset = option("base", "The size of the model; tiny runs on a CPU.", flag="--preset")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the architecture, such as { decoder_depth = 4 }."
    )
    init: Path | None = option(
        None,
        "Weights to start from: a model, a run, or a checkpoint file (.safetensors, .pt).",
        flag="--init",
    )
    fit_positions: bool = option(
        False, "Cut or stretch the positions of weights for another length.", flag="--interpolate-pos"
    )


class ClipsRecipe(DivisionRecipe):
    """Which clips are learned from, and which the loss is measured on."""

    max_bad: float = option(
        0.05, "Share of the clips that may be unusable; with more of them the run ends.", ge=0, le=1
    )
    crops: int = option(
        1, "Stretches taken of each clip in an epoch; 0: as many as fit, for long films.", ge=0, le=100_000
    )
