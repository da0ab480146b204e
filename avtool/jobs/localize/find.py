"""`avtool localize find`: queries looked for in indexed films, the similarity baseline beside."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import BadInputError, MissingError
from avtool.core.files import sha256_of
from avtool.core.recipe import identity
from avtool.core.report.page import optional_report
from avtool.core.reporter import Reporter
from avtool.data.queries.table import read_queries
from avtool.inference.localisation.film_index import CARD, FilmIndex
from avtool.inference.localisation.films import find_index, open_films
from avtool.inference.localisation.frame_scores import FrameScores
from avtool.inference.localisation.queries import Query
from avtool.inference.localisation.search import search
from avtool.inference.localisation.segments import rank
from avtool.jobs.localize.engines import Engines
from avtool.jobs.localize.hits import FilmHit, QueryHits, write_hits
from avtool.jobs.localize.index import index_names
from avtool.jobs.localize.recipe import FindRecipe


@dataclass(frozen=True)
class NamedQuery:
    """A query, its id, and the film that it is looked for in; without one, in all."""

    query_id: str
    query: Query
    media: Path | None = None


@dataclass(frozen=True)
class FindResult:
    """What was found.

    Attributes:
        out: the artifact that was written, or None.
        films: that were searched.
        queries: hits of each.
        seconds: wall time.
    """

    out: Path | None
    films: list[FilmIndex]
    queries: list[QueryHits]
    seconds: float


def read_query_table(path: Path) -> list[NamedQuery]:
    """The queries of a table, each once.

    Raises:
        BadInputError: the table, or a query's file, cannot be read.
    """
    table = read_queries(path)
    return [
        NamedQuery(name, Query.of_row(table, rows[0]), table.media(rows[0]))
        for name, rows in table.queries().items()
    ]


def find(
    sources: Sequence[str],
    queries: Sequence[NamedQuery],
    out: Path | None,
    recipe: FindRecipe,
    reporter: Reporter,
    *,
    model: Path | None = None,
    engine: str | None = None,
    overwrite: bool = False,
    command: str = "localize find",
) -> FindResult:
    """Finds the segments of films that match queries.

    Args:
        sources: indexes, folders of indexes, or films, which are indexed into the cache.
        queries: what is looked for.
        out: the `predictions` artifact to write; None writes nothing.
        recipe: the settings.
        reporter: gets progress.
        model: a trained grounding network.
        engine: `similarity` or `grounding`; None takes grounding where there is a model.
        overwrite: replace an older artifact.
        command: the command line, for the card.

    Raises:
        AvtoolError: a film, an index, a query or the model cannot be used.
    """
    begin = time.perf_counter()
    films = open_films(sources, recipe.index_recipe(), reporter)
    engines = Engines(recipe, reporter, model=model, engine=engine)
    for index in films:
        engines.check_index(index)
    partial = None
    if out is not None:
        settings = _settings(films, queries, engines, recipe)
        inputs = [one.folder for one in films]
        partial = open_partial(out, settings, kind="predictions", overwrite=overwrite, inputs=inputs)
    try:
        found = []
        with reporter.progress("searching", len(queries)) as bar:
            for query in queries:
                found.append(_find(query, films, engines, recipe))
                bar.advance(note=query.query.name[:40])
        if partial is not None and out is not None:
            _write(partial, found, films, recipe, reporter)
            used = [Input(str(one.folder), "features", sha256_of(one.folder / CARD)) for one in films]
            publish(out, Artifact("predictions", command, settings, inputs=used))
    except BaseException:
        if partial is not None:
            discard_partial(partial)
        raise
    return FindResult(out, films, found, round(time.perf_counter() - begin, 3))


def _settings(
    films: Sequence[FilmIndex], queries: Sequence[NamedQuery], engines: Engines, recipe: FindRecipe
) -> dict[str, object]:
    return {
        "command": "localize find",
        "engine": engines.name,
        "model": engines.weights,
        "films": [one.card.content for one in films],
        "queries": [[one.query_id, one.query.kind, one.query.name] for one in queries],
        "recipe": identity(recipe),
    }


def _find(named: NamedQuery, films: Sequence[FilmIndex], engines: Engines, recipe: FindRecipe) -> QueryHits:
    """The hits of one query in all films, or in its own."""
    query, searched = named.query, films
    if named.media is not None:
        own = find_index(films, named.media)
        if own is None:
            message = f"the film `{named.media}` of query {named.query_id} is not among those searched"
            raise BadInputError(message, "give its index, or the film")
        searched = [own]
    begin = time.perf_counter()
    curves = {
        str(index.film): search(engines.main(index), engines.similarity(index), index, query, recipe.search)
        for index in searched
    }
    hits = _ranked(curves, recipe)
    milliseconds = 1000 * (time.perf_counter() - begin)
    baseline, note = None, ""
    if engines.name != "similarity":
        try:
            beside = {str(one.film): engines.similarity(one).scores(one, query) for one in searched}
            baseline = _ranked(beside, recipe)
        except (BadInputError, MissingError) as error:
            note = f"no similarity baseline: {error}"
    absent = min(scores.absent for scores in curves.values())
    return QueryHits(named.query_id, query, engines.name, hits, absent, milliseconds, baseline, note, curves)


def _ranked(curves: dict[str, FrameScores], recipe: FindRecipe) -> list[FilmHit]:
    """The hits of all films together; equal scores in the order of the films."""
    hits = [FilmHit(film, hit) for film, scores in curves.items() for hit in rank(scores, recipe.ranking)]
    hits.sort(key=lambda one: -one.hit.score)
    return hits[: recipe.ranking.top]


def _write(
    partial: Path,
    found: Sequence[QueryHits],
    films: Sequence[FilmIndex],
    recipe: FindRecipe,
    reporter: Reporter,
) -> None:
    names = index_names([str(one.film) for one in films])
    write_hits(partial, found, names)
    if recipe.page:
        from avtool.jobs.localize.page import write_hits_page

        with optional_report(reporter):
            write_hits_page(partial / "hits.html", found, reporter)
