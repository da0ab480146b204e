"""The TOML schema of a set of located queries: its annotations, its protocol, and published results."""

from typing import Literal

from pydantic import Field

from avtool.benchmarks.benchmark import ListedSpec

ProtocolName = Literal["moments", "sentences", "sentences_ego4d", "activities", "tubes"]


class LocalisationSpec(ListedSpec):
    """A set of located queries."""

    protocol: ProtocolName = Field(description="How it is scored.")
    metric: str = Field(description="The main metric.", min_length=1)
    files: tuple[str, ...] = Field(description="Names of its annotation file.", min_length=1)
    folders: tuple[str, ...] = Field(description="Where it is looked for in AVTOOL_DATA.", min_length=1)
    queries: int | None = Field(None, description="Queries of the published split, where there is one.", ge=1)
