"""`avtool fetch`: films and captions from the web into a folder."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.inputs import expand_lists
from avtool.cli.options import output
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.media.fetch.recipe import FetchRecipe

app = verb_app(
    "fetch",
    "avtool fetch https://example.org/film --out films",
    "avtool fetch addresses.txt --out films --set language=en",
)


@command(app, resumable=True)
def fetch(
    session: Session,
    recipe: FetchRecipe,
    sources: Annotated[
        list[str],
        typer.Argument(help="Addresses, text files with one address a line, or - for stdin.", metavar="URL"),
    ],
    out: Annotated[Path, output("The folder for films, captions and films.csv.")],
) -> int:
    """Download films and their captions into a folder, with a table of them.

    Download only what you may: see the site's terms and the film's licence.
    """
    from avtool.media.fetch.fetch import fetch as fetch_films

    result = fetch_films(expand_lists(sources), out, recipe, session.reporter)
    rows = [[row.film, round(row.duration), row.caption_kind, row.language] for row in result.rows]
    session.table(["film", "seconds", "captions", "language"], rows)
    missing = [["skipped", film.url, film.reason] for film in result.skipped]
    missing += [["failed", film.url, film.reason] for film in result.failed]
    session.table(["", "address", "why"], missing)
    if result.archived:
        session.reporter.info(f"{result.archived} fetched by an earlier run; --overwrite fetches them again")
    session.emit(result.to_dict(), text=str(result.table) if result.table.exists() else "")
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE
