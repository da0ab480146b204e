"""The engines of a search: the similarity baseline, and a trained grounding network."""

from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter, Silent
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.query_encoders import QueryEncoders
from avtool.inference.localisation.search import Engine
from avtool.inference.localisation.similarity import SimilarityEngine
from avtool.jobs.localize.recipe import FindRecipe


class Engines:
    """The engines of films, each opened once for all films with the same encoders.

    Args:
        recipe: settings of both.
        reporter: gets device and precision.
        model: a trained grounding network, or None.
        engine: `similarity` or `grounding`; None takes grounding where there is a model.

    Attributes:
        name: of the engine that finds the hits.

    Raises:
        BadInputError: grounding without a model.
    """

    def __init__(
        self, recipe: FindRecipe, reporter: Reporter, *, model: Path | None = None, engine: str | None = None
    ) -> None:
        self.name = engine or ("grounding" if model is not None else "similarity")
        if self.name == "grounding" and model is None:
            raise BadInputError("--engine grounding needs a trained model", "give one: --model RUN")
        self._recipe, self._reporter, self._model = recipe, reporter, model
        self._similarity: dict[tuple[str, str], SimilarityEngine] = {}

    @property
    def weights(self) -> str:
        """SHA-256 of the grounding network; empty for the similarity engine."""
        return ""

    def check_index(self, index: FilmIndex) -> None:
        """Makes sure that the model was trained on indexes of this kind."""

    def main(self, index: FilmIndex) -> Engine:
        """The engine that finds the hits."""
        return self.similarity(index)

    def similarity(self, index: FilmIndex) -> SimilarityEngine:
        """The similarity engine for an index."""
        key = index.visual_encoder, index.audio_encoder
        if key not in self._similarity:
            recipe = self._recipe
            encoders = QueryEncoders(index.card, recipe.text_encoder, recipe.runtime, Silent())
            self._similarity[key] = SimilarityEngine(encoders, recipe.similarity)
        return self._similarity[key]
