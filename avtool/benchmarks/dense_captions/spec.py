"""The TOML schema of a set of dense captions: its references, and published results."""

from pydantic import Field

from avtool.core.recipe import Recipe
from avtool.evaluation.published import PublishedResult


class DenseCaptionSpec(Recipe):
    """A set of references."""

    title: str = Field(description="Its name for people.", min_length=1)
    summary: str = Field(description="One line for the listing.", min_length=1)
    videos: int = Field(description="Number of videos of all references.", ge=1)
    references: tuple[str, ...] = Field(description="Names of its files, one an annotator.", min_length=1)
    annotators: int = Field(2, description="How many of these files there are at most.", ge=1)
    subset: str = Field("", description="Of YouCook2's file, the videos of this subset.")
    folders: tuple[str, ...] = Field(description="Where they are looked for in AVTOOL_DATA.", min_length=1)
    licence: str = Field("", description="Of the data.")
    published: dict[str, tuple[PublishedResult, ...]] = Field(
        default_factory=dict, description="Published tables: results, ground_truth, evaluator_2017."
    )
