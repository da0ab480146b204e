"""Tokens of the queries of a table, by the encoders of the films' indexes and an encoder of texts."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from avtool.core.artifact import Input
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.localisation.grounding_card import TextCard
from avtool.inference.localisation.queries import Query
from avtool.tasks.localisation.queries import FrameQuery, QueriedFilms
from avtool.tasks.localisation.samples import Half

if TYPE_CHECKING:
    from avtool.inference.localisation.query_encoders import QueryEncoders

_TEXTS = ("text", "label")


class RowEncoders:
    """Encodes rows of a query table; a content that several rows have is encoded once.

    Args:
        films: the table, and the indexes of its films.
        text_encoder: of sentences and labels; None for the default.
        runtime: device and precision.
        reporter: gets progress.
    """

    def __init__(
        self, films: QueriedFilms, text_encoder: str | None, runtime: RuntimeRecipe, reporter: Reporter
    ) -> None:
        self.films, self._text_encoder = films, text_encoder
        self._runtime, self._reporter = runtime, reporter
        self._known: dict[tuple[object, ...], Half] = {}

    @cached_property
    def encoders(self) -> "QueryEncoders":
        """Those of the indexes, and of texts."""
        from avtool.inference.localisation.query_encoders import QueryEncoders

        films = self.films
        cards = [index.card for index in films.indexes]
        card = next((card for card in cards if card.visual is not None), cards[0])
        both = replace(card, visual=films.stream("visual"), audio=films.stream("audio"))
        return QueryEncoders(both, self._text_encoder, self._runtime, self._reporter)

    def width(self, kind: str) -> int:
        """Of the tokens of a kind of query."""
        if kind in _TEXTS:
            return self.encoders.text.width
        card = self.films.stream("visual" if kind == "image" else "audio")
        assert card is not None, "queries without their modality are skipped"
        return card.width

    @property
    def text_card(self) -> TextCard | None:
        """The encoder of texts; None where there are none."""
        if not set(self.films.kinds) & set(_TEXTS):
            return None
        return TextCard(self.encoders.text.name, self.encoders.text.weights)

    @property
    def text_input(self) -> Input | None:
        """The encoder of texts as an input of the run, by content."""
        card = self.text_card
        return Input(card.encoder, "weights", card.weights) if card else None

    def encode(self, queries: Sequence[FrameQuery], what: str) -> list[Half]:
        """The tokens (L, C) of each query.

        Args:
            queries: of the table.
            what: they are, for the progress bar.

        Raises:
            BadInputError: a query cannot be read.
            MissingError: an encoder is not on this machine.
        """
        found = []
        with self._reporter.progress(what, len(queries)) as bar:
            for query in queries:
                found.append(self._tokens(query))
                bar.advance(note=query.name)
        return found

    def _tokens(self, query: FrameQuery) -> Half:
        row = query.row
        key = (row.kind, row.query, row.query_start, row.query_end, row.query_box)
        if key not in self._known:
            tokens = self.encoders.tokens(Query.of_row(self.films.table, row))
            self._known[key] = np.asarray(tokens, np.float16)
        return self._known[key]
