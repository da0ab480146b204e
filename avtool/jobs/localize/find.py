"""`avtool localize find`: queries looked for in indexed films, the similarity baseline beside."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError
from avtool.core.files import sha256_of
from avtool.core.recipe import identity
from avtool.core.report.page import optional_report
from avtool.core.reporter import Reporter
from avtool.inference.localisation.film_index import CARD, FilmIndex
from avtool.inference.localisation.films import open_films
from avtool.jobs.localize.engines import Engines
from avtool.jobs.localize.find_query import NamedQuery, find_query
from avtool.jobs.localize.hits import QueryHits, write_hits
from avtool.jobs.localize.index import index_names
from avtool.jobs.localize.recipe import FindRecipe


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
                found.append(find_query(query, films, engines, recipe))
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
