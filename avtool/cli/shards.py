"""`avtool shards`: a data set in WebDataset shards, to pretrain on."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, subcommand_app
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.data.shards.recipe import ShardRecipe

app = subcommand_app()


@command(app)
def shards(
    session: Session,
    recipe: ShardRecipe,
    dataset: Annotated[
        Path, typer.Argument(help="The data set, as `avtool prepare` or `mine-subtitles` makes it.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The artifact to write.")],
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes; -1: one a processor.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew whatever stands there.")] = False,
) -> int:
    """Write the clips of a data set into WebDataset shards: small, and quick to read at any place."""
    from avtool.data.shards.dataset import write_shards

    result = write_shards(
        dataset, out, recipe, session.reporter, jobs=jobs, overwrite=overwrite, command=session.command_line
    )
    rows = [
        ("shards", result.shards),
        ("clips", result.clips),
        ("left out", len(result.skipped)),
        ("MiB", round(result.num_bytes / (1 << 20), 1)),
    ]
    session.table(["written", ""], rows)
    session.emit({"result": result}, text=str(result.out))
    return ExitCode.SOME_FAILED if result.skipped else ExitCode.DONE
