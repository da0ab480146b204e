"""Settings of the benchmark of a query table."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from avtool.core.recipe import Recipe, listed, option

Share = Annotated[float, Field(gt=0, lt=1)]
"""A part of a film."""


def _shares(value: Any) -> Any:
    return (value,) if isinstance(value, float) else listed(value)


class QueryTableSettings(Recipe):
    """`queries`."""

    data: Path | None = option(None, "Query table, CSV or JSON Lines.", flag="--data")
    index: Path | None = option(None, "An index of a film, or a folder of them.", flag="--index")
    model: Path | None = option(
        None, "Model of `avtool localize train`; without one, similarity alone is measured.", flag="--model"
    )
    split: str = option("test", "Split of the table; empty is all of it.", flag="--split")
    similarity: bool = option(True, "Measure the similarity engine.")
    text_encoder: str | None = option(
        None, "Encoder of sentences and labels of the similarity engine.", flag="--text-encoder"
    )
    examined: Annotated[tuple[Share, ...], BeforeValidator(_shares)] = option(
        (), "Shares of the film that a two-stage search examines, such as 0.05,0.1.", flag="--examined"
    )
    seed: int = option(0, "Seed of the random windows.", flag="--seed", ge=0)
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    name: str | None = option(None, "Name of what is scored, in tables.  [default: its folder's]")
