"""`avtool prepare`: a folder of media, a table, or a published list in, a data set out."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from avtool.cli.command import command, subcommand_app
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.data.prepare.recipe import PrepareRecipe

app = subcommand_app()


@command(app)
def prepare(
    session: Session,
    recipe: PrepareRecipe,
    source: Annotated[str, typer.Argument(help="A folder of media, a table, or a data set's own lists.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The data set to write.")],
    media: Annotated[
        str | None, typer.Option(help="The folder of the media; by default beside the source.")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", help="Media at the same time; -1: one a processor.")
    ] = 1,
    resume: Annotated[
        bool, typer.Option("--resume/--overwrite", help="Go on with what is there, or begin anew.")
    ] = True,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first medium that cannot be read.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    engine: Annotated[Literal["local", "dask"], typer.Option(help="Where the jobs run.")] = "local",
    scheduler: Annotated[str, typer.Option(help="Address of a Dask scheduler, tcp://…")] = "",
) -> int:
    """Make a data set of any folder of media, table, or published list of clips."""
    from avtool.data.prepare.dataset import plan
    from avtool.data.prepare.dataset import prepare as run
    from avtool.media.addresses import fetch

    listed, folder = fetch(source), fetch(media) if media is not None else None
    if dry_run:
        planned = plan(listed, recipe, session.reporter, folder)
        session.table(
            ["layout", "clips listed", "with a file", "absent", "refused", "files", "MB"],
            [
                [
                    planned.layout, planned.listed, planned.found, planned.absent, planned.refused,
                    planned.media, round(planned.media_bytes / 1e6, 1),
                ]
            ],
        )  # fmt: skip
        session.emit({"out": out, "plan": planned, "recipe": recipe.model_dump(mode="json")})
        return ExitCode.DONE
    try:
        result = run(
            listed, out, recipe, session.reporter,
            media=folder, jobs=jobs, engine=engine, scheduler=scheduler,
            overwrite=not resume, fail_fast=fail_fast, command=session.command_line,
        )  # fmt: skip
    except KeyboardInterrupt:
        session.reporter.warn("interrupted: the same command goes on where it stopped")
        raise
    summary = result.summary
    session.table(
        ["split", "fold", "clips", "hours", "groups"],
        [
            [p.split or "-", "-" if p.fold is None else p.fold, p.clips, p.hours, p.groups]
            for p in summary.splits
        ],
    )
    session.table(["problem", "clips"], list(summary.problems.items()))
    session.emit(
        {"out": result.out, "summary": summary, "problems": result.problems, "seconds": result.seconds},
        text=str(result.out),
    )
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE
