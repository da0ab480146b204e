"""The settings of `avtool predict`."""

from typing import Literal

from pydantic import Field, model_validator

from avtool.core.recipe import Recipe, option
from avtool.core.runtime import RuntimeRecipe
from avtool.data.folds import Folds

Format = Literal["csv", "json", "vtt", "audacity"]


class PredictRecipe(Recipe):
    """`avtool predict`."""

    events: bool = option(
        False, "Find when each class is heard, instead of scoring whole files.", flag="--events"
    )
    hop: float | None = option(
        None,
        "Seconds from one window to the next.  [default: a window; with --events half of one]",
        flag="--hop",
        gt=0,
    )
    threshold: float = option(0.5, "Probability from which a class is heard.", flag="--threshold", ge=0, le=1)
    merge_gap: float = option(
        0.0, "Events of a class that are at most so many seconds apart become one.", flag="--merge-gap", ge=0
    )
    min_duration: float = option(
        0.0, "Events shorter than so many seconds are left out.", flag="--min-duration", ge=0
    )
    formats: tuple[Format, ...] = option(
        ("csv", "json"), "Formats of the timeline: csv, json, vtt, audacity.", flag="--format", min_length=1
    )
    average: Literal["logits", "probabilities"] = option(
        "logits", "What of the windows is averaged to score a file.", flag="--average"
    )
    split: str | None = option(None, "Of data sets, predict this split.", flag="--split")
    folds: Folds | None = option(None, "Of data sets, predict these folds.", flag="--folds")
    batch_size: int = option(16, "Windows at a time.", flag="--batch-size", ge=1, le=4096)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)

    @model_validator(mode="before")
    @classmethod
    def _one_format(cls, values: object) -> object:
        if isinstance(values, dict) and isinstance(values.get("formats"), str):
            return {**values, "formats": [part.strip() for part in values["formats"].split(",")]}
        return values
