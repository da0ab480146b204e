"""Engines that are measured: the trained network, its two-stage search, and similarity."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avtool.core.runtime import RuntimeRecipe

if TYPE_CHECKING:
    from avtool.benchmarks.query_table.settings import QueryTableSettings
    from avtool.core.reporter import Reporter
    from avtool.inference.localisation.engines import FilmEngines
    from avtool.inference.localisation.film_index import FilmIndex
    from avtool.inference.localisation.frame_scores import Hit
    from avtool.inference.localisation.queries import Query

SIMILARITY = "similarity"
_HITS = 5


@dataclass(frozen=True)
class Candidate:
    """An engine to measure.

    Attributes:
        name: in tables.
        find: an index and a query → hits, best first, and the share of the film that was examined.
    """

    name: str
    find: "Callable[[FilmIndex, Query], tuple[list[Hit], float]]"


def candidates(settings: "QueryTableSettings", reporter: "Reporter") -> Iterator[Candidate]:
    """The engines that the settings name: the network, it after each share of the film, and similarity."""
    from avtool.inference.localisation.engines import FilmEngines
    from avtool.inference.localisation.segments import RankingRecipe, rank

    runtime = RuntimeRecipe(device=settings.device)
    engines = FilmEngines(reporter, runtime, settings.model, settings.text_encoder)
    ranking = RankingRecipe(top=_HITS, always=True)

    def network(index: "FilmIndex", query: "Query") -> "tuple[list[Hit], float]":
        return rank(engines.scores(index, query), ranking), 1.0

    def similarity(index: "FilmIndex", query: "Query") -> "tuple[list[Hit], float]":
        return rank(engines.of_similarity(index).scores(index, query), ranking), 1.0

    if settings.model is not None:
        name = settings.name or settings.model.name
        yield Candidate(name, network)
        for share in settings.examined:
            yield Candidate(f"{name}, {100 * share:g} % examined", _two_stage(engines, share, ranking))
    if settings.similarity:
        yield Candidate(SIMILARITY, similarity)


def _two_stage(
    engines: "FilmEngines", share: float, ranking: object
) -> "Callable[[FilmIndex, Query], tuple[list[Hit], float]]":
    from avtool.inference.localisation.search import SearchRecipe, propose, search
    from avtool.inference.localisation.segments import RankingRecipe, rank

    assert isinstance(ranking, RankingRecipe), "of the settings"
    recipe = SearchRecipe(share=share)

    def find(index: "FilmIndex", query: "Query") -> "tuple[list[Hit], float]":
        engines.card.check_query(query.kind, query.name)
        coarse = engines.of_coarse(index)
        scores = search(engines.of_grounding(index), coarse, index, query, recipe)
        examined = sum(len(part) for part in propose(coarse.coarse(index, query), recipe))
        return rank(scores, ranking), float(np.clip(examined / max(len(index), 1), 0, 1))

    return find
