"""`avtool mine-subtitles`: films and SDH captions in, a data set of sound events out."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from avtool.cli.command import command, subcommand_app
from avtool.cli.inputs import expand_lists
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.mining.recipe import MineRecipe

app = subcommand_app()


@command(app)
def mine_subtitles(
    session: Session,
    recipe: MineRecipe,
    films: Annotated[
        list[str], typer.Argument(help="Films, a CSV file film,captions, or - for names on stdin.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The data set to write.")],
    captions: Annotated[str, typer.Option(help="A caption file, stream:N, or auto.")] = "auto",
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", help="Films at the same time; -1: one a processor.")
    ] = 1,
    resume: Annotated[
        bool, typer.Option("--resume/--overwrite", help="Go on with what is there, or begin anew.")
    ] = True,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first film that fails.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    engine: Annotated[Literal["local", "dask"], typer.Option(help="Where the jobs run.")] = "local",
    scheduler: Annotated[str, typer.Option(help="Address of a Dask scheduler, tcp://…")] = "",
) -> int:
    """Turn films and SDH captions into a data set of labelled, synchronised sound events."""
    from avtool.mining.mine_subtitles import mine_subtitles as mine
    from avtool.mining.pairing import pair_films
    from avtool.mining.plan import plan

    pairs = pair_films(expand_lists(films), captions)
    if dry_run:
        rows = plan(pairs, recipe)
        session.table(
            ["film", "minutes", "captions", "cues", "tags", "disk MB", "problem"],
            [row.cells() for row in rows],
        )
        session.emit({"out": out, "plan": rows, "recipe": recipe.model_dump(mode="json")})
        return ExitCode.SOME_FAILED if any(row.problem for row in rows) else ExitCode.DONE
    try:
        result = mine(
            pairs, out, recipe, session.reporter,
            jobs=jobs, engine=engine, scheduler=scheduler,
            overwrite=not resume, fail_fast=fail_fast, command=session.command_line,
        )  # fmt: skip
    except KeyboardInterrupt:
        session.reporter.warn("interrupted: the same command goes on where it stopped")
        raise
    ended = [
        (film.film_id, film.status, film.events, film.error or film.sync, film.seconds)
        for film in result.films
    ]
    session.table(["film", "status", "events", "captions", "seconds"], ended)
    session.emit({"out": result.out, "summary": result.summary, "films": result.films}, text=str(result.out))
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE
