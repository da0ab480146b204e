"""The settings of `avtool localize find`."""

from typing import Any

from pydantic import Field

from avtool.core.recipe import Recipe, option, validate
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.localisation.encoders import IndexRecipe
from avtool.inference.localisation.recipes import GroundingRecipe, SimilarityRecipe
from avtool.inference.localisation.search import SearchRecipe
from avtool.inference.localisation.segments import RankingRecipe


class FindRecipe(Recipe):
    """`avtool localize find`."""

    text_encoder: str | None = option(
        None,
        "Encoder of sentences: a folder of transformers, or hf:OWNER/NAME.  [default: all-MiniLM-L6-v2]",
        flag="--text-encoder",
    )
    index: dict[str, Any] = option(
        {}, "Keys of `avtool localize index` for films that have no index, such as { fps = 2 }."
    )
    page: bool = option(True, "A page with a player for each hit.", identity=False)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)
    ranking: RankingRecipe = Field(default_factory=RankingRecipe)
    grounding: GroundingRecipe = Field(default_factory=GroundingRecipe)
    search: SearchRecipe = Field(default_factory=SearchRecipe)
    similarity: SimilarityRecipe = Field(default_factory=SimilarityRecipe)

    def index_recipe(self) -> IndexRecipe:
        """Of films that have no index.

        Raises:
            BadInputError: a key of `index` is unknown.
        """
        return validate(IndexRecipe, {"runtime": self.runtime.model_dump(), **self.index}, "index")
