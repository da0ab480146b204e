"""The settings of query localisation benchmarks."""

from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from avtool.core.recipe import Recipe, option
from avtool.core.runtime import RuntimeRecipe


class LocalisationSettings(Recipe):
    """Settings of query localisation."""

    data: Path | None = option(
        None, "Annotations, or their folder.  [default: in AVTOOL_DATA]", flag="--data"
    )
    predictions: Path | None = option(
        None, "Submission to score, in the form of the challenge.", flag="--predictions"
    )
    model: Path | None = option(
        None, "Look for the queries by this network of `avtool localize train`.", flag="--model"
    )
    engine: Literal["similarity", "grounding"] | None = option(
        None, "Engine that looks for the queries: grounding (--model), or similarity.", flag="--engine"
    )
    films: Path | None = option(
        None, "Folder of the films, or of their indexes, that queries are looked for in.", flag="--films"
    )
    submission: Path | None = option(
        None, "File to write what was found to, in the form of the challenge.", flag="--submission"
    )
    text_encoder: str | None = option(
        None, "Encoder of sentences and labels.  [default: the model's]", flag="--text-encoder"
    )
    given_labels: bool = option(
        False, "Of activities: look only for labels that a clip has, instead of all: another task."
    )
    ranking: dict[str, Any] = option({}, "Keys of the ranking of hits, such as { top = 10, nms = 0.5 }.")
    grounding: dict[str, Any] = option({}, "Keys of the network's passes, such as { window = 80 }.")
    similarity: dict[str, Any] = option({}, "Keys of the similarity engine, such as { middle = 2 }.")
    index: dict[str, Any] = option({}, "Keys of indexes that are made, such as { fps = 2 }.")
    runtime: RuntimeRecipe = RuntimeRecipe()
    fix: bool = option(False, "Drop predictions that end before they start or are not finite.", flag="--fix")
    seed: int = option(0, "Seed of the random baseline.", flag="--seed", ge=0)
    name: str | None = option(None, "Name of what is scored, in tables.  [default: its file's]")

    @model_validator(mode="after")
    def _one_source(self) -> "LocalisationSettings":
        searches = self.model is not None or self.engine is not None
        if self.predictions is not None and searches:
            raise ValueError("--predictions are scored, or a --model or --engine finds some: give one")
        if self.engine == "grounding" and self.model is None:
            raise ValueError("--engine grounding needs a trained network: give --model RUN")
        if searches and self.films is None:
            raise ValueError("an engine needs films: give --films, a folder of films or of their indexes")
        return self

    @property
    def searches(self) -> bool:
        """Whether queries are looked for, instead of a submission scored."""
        return self.model is not None or self.engine is not None
