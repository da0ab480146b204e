"""The engines of many films: similarity, and a trained network, each opened once."""

from collections.abc import Hashable
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter, Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.localisation.recipes import GroundingRecipe, SimilarityRecipe

if TYPE_CHECKING:
    from avtool.inference.localisation.film_index import FilmIndex
    from avtool.inference.localisation.frame_scores import FrameScores
    from avtool.inference.localisation.grounding import GroundingEngine
    from avtool.inference.localisation.grounding_card import GroundingCard
    from avtool.inference.localisation.queries import Query
    from avtool.inference.localisation.query_encoders import QueryEncoders
    from avtool.inference.localisation.similarity import SimilarityEngine
    from avtool.models.minotaur.minotaur import Minotaur


@dataclass
class FilmEngines:
    """Engines over indexed films; encoders of queries are opened once for all films of the same encoders.

    Attributes:
        reporter: gets device and precision of the network.
        runtime: device and precision.
        model: a network of `avtool localize train`; None has the similarity engine alone.
        text_encoder: of sentences and labels; None is the model's own, or all-MiniLM-L6-v2.
        grounding: how the network passes over a film.
        similarity: how similarities become a foreground.
    """

    reporter: Reporter
    runtime: RuntimeRecipe = field(default_factory=RuntimeRecipe)
    model: Path | None = None
    text_encoder: str | None = None
    grounding: GroundingRecipe = field(default_factory=GroundingRecipe)
    similarity: SimilarityRecipe = field(default_factory=SimilarityRecipe)
    _encoders: "dict[Hashable, QueryEncoders]" = field(default_factory=dict, init=False)
    _similarity: "dict[Hashable, SimilarityEngine]" = field(default_factory=dict, init=False)
    _engine: "GroundingEngine | None" = field(default=None, init=False)

    def scores(self, index: "FilmIndex", query: "Query", frames: range | None = None) -> "list[FrameScores]":
        """Scores by the network, for each of its frame rates, or without one by similarity.

        Args:
            index: of the film.
            query: what is looked for.
            frames: the part of the index that is searched; None searches all.

        Raises:
            BadInputError: the engine cannot take the query, or the film is indexed in another way.
            MissingError: an encoder is not on this machine.
        """
        if self.model is None:
            return [self.of_similarity(index).scores(index, query, frames)]
        return self.of_grounding(index).scores_by_scale(index, query, frames)

    def of_similarity(self, index: "FilmIndex") -> "SimilarityEngine":
        """The similarity engine for an index."""
        from avtool.inference.localisation.similarity import SimilarityEngine

        key = _key(index)
        if key not in self._similarity:
            self._similarity[key] = SimilarityEngine(self.encoders(index), self.similarity)
        return self._similarity[key]

    def of_grounding(self, index: "FilmIndex") -> "GroundingEngine":
        """The network for an index.

        Raises:
            BadInputError: the film was indexed at another frame rate or by other encoders than those of the
                network's training; the message has both.
        """
        from avtool.inference.localisation.grounding import GroundingEngine

        self.card.check_index(index)
        encoders = self.encoders(index)
        if self._engine is None:
            recipe = self.grounding.for_model(self.card.window * self.card.step, self.card.stride)
            self._engine = GroundingEngine(
                self._network[0],
                encoders,
                recipe.model_copy(update={"runtime": self.runtime}),
                self.reporter,
                self.card,
            )
        engine = copy(self._engine)
        engine.encoders = encoders
        return engine

    def of_coarse(self, index: "FilmIndex") -> "SimilarityEngine | GroundingEngine":
        """What proposes parts of a film: a network that has a match, else similarity.

        Raises:
            BadInputError: as `of_grounding`.
        """
        if self.model is not None and self._network[0].settings.match:
            return self.of_grounding(index)
        return self.of_similarity(index)

    def encoders(self, index: "FilmIndex") -> "QueryEncoders":
        """The encoders of queries for an index.

        Raises:
            BadInputError: the text encoder is not that of the network's training.
        """
        from avtool.inference.localisation.query_encoders import QueryEncoders

        key = _key(index)
        if key not in self._encoders:
            text = self.card.text if self.model is not None else None
            name = self.text_encoder or (text.encoder if text else None)
            found = QueryEncoders(index.card, name, self.runtime, Silent())
            if self.text_encoder and text and found.text.weights != text.weights:
                message = f"`{self.text_encoder}` is not the text encoder `{text.encoder}` of `{self.model}`"
                raise BadInputError(message, "run without --text-encoder")
            self._encoders[key] = found
        return self._encoders[key]

    @property
    def card(self) -> "GroundingCard":
        """What the network expects.

        Raises:
            BadInputError: the model is of another task.
        """
        return self._network[1]

    @cached_property
    def _network(self) -> "tuple[Minotaur, GroundingCard]":
        from avtool.inference.localisation.grounding_card import GroundingCard
        from avtool.models.load import load_model
        from avtool.models.minotaur.minotaur import Minotaur

        assert self.model is not None, "there is a model"
        loaded = load_model(self.model)
        card = GroundingCard.from_json(loaded.preprocess)
        assert isinstance(loaded.model, Minotaur), "models of the task are of this family"
        return loaded.model, card


def _key(index: "FilmIndex") -> Hashable:
    """What the encoders of queries depend on."""
    card = index.card
    return card.visual, card.audio, card.size, card.grid
