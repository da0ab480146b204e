"""One query, looked for in indexed films."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import BadInputError, MissingError
from avtool.data.queries.table import read_queries
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.films import find_index
from avtool.inference.localisation.frame_scores import FrameScores
from avtool.inference.localisation.queries import Query
from avtool.inference.localisation.search import search
from avtool.inference.localisation.segments import rank
from avtool.jobs.localize.engines import Engines
from avtool.jobs.localize.hits import FilmHit, QueryHits
from avtool.jobs.localize.recipe import FindRecipe

_KEEP_SHORT = "--set ranking.median=1 keeps them"


@dataclass(frozen=True)
class NamedQuery:
    """A query, its id, and the film that it is looked for in; without one, in all."""

    query_id: str
    query: Query
    media: Path | None = None


def read_query_table(path: Path) -> list[NamedQuery]:
    """The queries of a table, each once.

    Raises:
        BadInputError: the table, or a query's file, cannot be read.
    """
    table = read_queries(path)
    found = []
    for name, rows in table.queries().items():
        try:
            query = Query.of_row(table, rows[0])
        except BadInputError as error:
            number = table.rows.index(rows[0]) + 1
            raise BadInputError(f"`{path}`, row {number} ({name}): {error.message}", error.hint) from error
        found.append(NamedQuery(name, query, table.media(rows[0])))
    return found


def find_query(
    named: NamedQuery, films: Sequence[FilmIndex], engines: Engines, recipe: FindRecipe
) -> QueryHits:
    """The hits of one query in all films, or in its own; the similarity baseline beside.

    Raises:
        BadInputError: its film is not among those searched, or no film can have what it looks for.
    """
    query, searched = named.query, films
    if named.media is not None:
        own = find_index(films, named.media)
        if own is None:
            message = f"the film `{named.media}` of query {named.query_id} is not among those searched"
            raise BadInputError(message, "give its index, or the film")
        searched = [own]
    begin = time.perf_counter()

    def examined(index: FilmIndex) -> FrameScores:
        return search(engines.main(index), engines.coarse(index), index, query, recipe.search)

    curves, skipped = _of_each(searched, examined)
    hits = _ranked(curves, recipe)
    milliseconds = 1000 * (time.perf_counter() - begin)
    baseline, notes = None, skipped
    if engines.name != "similarity":
        try:
            beside, _ = _of_each(searched, lambda index: engines.similarity(index).scores(index, query))
            baseline = _ranked(beside, recipe)
        except (BadInputError, MissingError) as error:
            notes = [*skipped, f"no similarity baseline: {error}"]
    absent = min(scores.absent for scores in curves.values())
    ranking = recipe.ranking
    if not hits and ranking.min_score == 0 and 1 - absent >= min(ranking.height) and ranking.median > 1:
        notes = [*notes, f"its peaks last less than half of {ranking.median} frames: {_KEEP_SHORT}"]
    note = "; ".join(notes)
    return QueryHits(named.query_id, query, engines.name, hits, absent, milliseconds, baseline, note, curves)


def _of_each(
    films: Sequence[FilmIndex], score: Callable[[FilmIndex], FrameScores]
) -> tuple[dict[str, FrameScores], list[str]]:
    """The scores of each film, and a note of those that a query cannot be looked for in.

    Raises:
        BadInputError: it can be in none; that of the first film.
    """
    found: dict[str, FrameScores] = {}
    errors: list[tuple[FilmIndex, BadInputError]] = []
    for index in films:
        try:
            found[str(index.film)] = score(index)
        except BadInputError as error:
            errors.append((index, error))
    if not errors:
        return found, []
    first, reason = errors[0]
    if not found:
        raise reason
    number = f"{len(errors)} of {len(films)} films"
    return found, [f"not looked for in {number}; first in `{first.film.name}`: {reason.message}"]


def _ranked(curves: dict[str, FrameScores], recipe: FindRecipe) -> list[FilmHit]:
    """The hits of all films together; equal scores in the order of the films."""
    hits = [FilmHit(film, hit) for film, scores in curves.items() for hit in rank(scores, recipe.ranking)]
    hits.sort(key=lambda one: -one.hit.score)
    return hits[: recipe.ranking.top]
