"""`avtool localize find`: queries looked for in indexed films, the similarity baseline beside."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError, BadInputError, MissingError
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

_KEEP_SHORT = "--set ranking.median=1 keeps them"


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
        failed: films that could not be, and why.
        queries: hits of each.
        seconds: wall time.
    """

    out: Path | None
    films: list[FilmIndex]
    failed: dict[str, AvtoolError]
    queries: list[QueryHits]
    seconds: float


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

    A film that cannot be read is skipped where there are others. So is, with a note, one that cannot have
    what a query looks for.

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
        AvtoolError: the films, a query or the model cannot be used.
    """
    begin = time.perf_counter()
    opened = open_films(sources, recipe.index_recipe(), reporter)
    films = opened.indexes
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
    return FindResult(out, films, opened.failed, found, round(time.perf_counter() - begin, 3))


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
