"""The engines of a search: the similarity baseline, and a trained grounding network."""

from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.inference.localisation.engines import FilmEngines
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.search import CoarseEngine, Engine
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
        self._model = model if self.name == "grounding" else None
        self._engines = FilmEngines(
            reporter, recipe.runtime, self._model, recipe.text_encoder, recipe.grounding, recipe.similarity
        )

    @property
    def weights(self) -> str:
        """SHA-256 of the grounding network; empty for the similarity engine."""
        if self._model is None:
            return ""
        from avtool.models.foreign import locate
        from avtool.models.model_files import WEIGHTS

        return sha256_of(locate(self._model) / WEIGHTS)

    def check_index(self, index: FilmIndex) -> None:
        """Makes sure that the model was trained on indexes of this kind.

        Raises:
            BadInputError: another frame rate, or other encoders.
        """
        if self._model is not None:
            self._engines.card.check_index(index)

    def main(self, index: FilmIndex) -> Engine:
        """The engine that finds the hits."""
        return self.similarity(index) if self._model is None else self._engines.of_grounding(index)

    def coarse(self, index: FilmIndex) -> CoarseEngine:
        """What proposes parts of a film: a network that has a match, else similarity."""
        return self._engines.of_coarse(index)

    def similarity(self, index: FilmIndex) -> SimilarityEngine:
        """The similarity engine for an index."""
        return self._engines.of_similarity(index)
