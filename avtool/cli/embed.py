"""`avtool embed`: the features that an encoder gives of any files, as Parquet."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, subcommand_app
from avtool.cli.inputs import expand_lists
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.inference.embed_recipe import EmbedRecipe

app = subcommand_app()


@command(app)
def embed(
    session: Session,
    recipe: EmbedRecipe,
    files: Annotated[list[str], typer.Argument(help="Files, folders, data sets, or - for names on stdin.")],
    encoder: Annotated[Path, typer.Option("--encoder", "-e", help="A model, a run, or a checkpoint.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The Parquet file to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older file.")] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first file that fails.")
    ] = False,
) -> int:
    """Write the features that an encoder gives of any files: a row a window."""
    from avtool.jobs.embed import embed as run

    try:
        result = run(
            expand_lists(files), encoder, out, recipe, session.reporter,
            overwrite=overwrite, fail_fast=fail_fast,
        )  # fmt: skip
    except KeyboardInterrupt:
        session.reporter.warn("interrupted: the same command goes on where it stopped")
        raise
    session.table(
        ["file", "status", "windows"],
        [(file.name, file.error or file.status, file.windows) for file in result.files],
    )
    session.emit(
        {
            "out": result.out, "rows": result.rows, "width": result.width, "modality": result.modality,
            "files": result.files, "seconds": result.seconds,
        },
        text=str(result.out),
    )  # fmt: skip
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE
