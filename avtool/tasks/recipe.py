"""Settings that tasks of clips share: the network's start, and the clips that are used."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from avtool.core.recipe import Recipe, option
from avtool.data.splits import SplitRecipe

Preset = Literal["tiny", "small", "base", "large", "huge"]


class ModelRecipe(Recipe):
    """The network and its initial weights."""

    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the architecture, such as { depth = 4 }."
    )
    init: Path | None = option(
        None,
        "Initial weights: a model, a run, a checkpoint file (.safetensors, .pt), or an id of a hub.",
        flag="--init",
        identity=False,  # their content is an input of the run
    )
    interpolate_positions: bool = option(
        False,
        "Interpolate the position embeddings of initial weights to another length.",
        flag="--interpolate-pos",
        formerly="fit_positions",
    )


class EncoderRecipe(ModelRecipe):
    """An encoder to pretrain."""

    preset: Preset = option("base", "Size of the model; tiny trains on a CPU.", flag="--preset")


class ClipsRecipe(SplitRecipe):
    """Training and validation clips, and how many may be unusable."""

    max_bad: float = option(
        0.05, "Largest share of unusable clips: with more of them the run ends.", ge=0, le=1
    )
