"""The TOML schema of a set of dense captions: its references, and published results."""

from pydantic import Field

from avtool.benchmarks.benchmark import ListedSpec


class DenseCaptionSpec(ListedSpec):
    """A set of references."""

    videos: int = Field(description="Number of videos of all references.", ge=1)
    references: tuple[str, ...] = Field(description="Names of its files, one an annotator.", min_length=1)
    annotators: int = Field(2, description="How many of these files there are at most.", ge=1)
    subset: str = Field("", description="Of YouCook2's file, the videos of this subset.")
    folders: tuple[str, ...] = Field(description="Where they are looked for in AVTOOL_DATA.", min_length=1)
