"""`avtool embed`: the features that an encoder gives of any files, as Parquet."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.inputs import expand_lists
from avtool.cli.options import FailFast, Jobs, Overwrite, ShardOption, output
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.core.shard import Shard
from avtool.inference.recipes import EmbedRecipe

app = verb_app(
    "embed",
    "avtool embed esc50 --encoder runs/audio-mae --out features.parquet",
    "avtool embed a.wav b.wav --encoder runs/mavil --out features.parquet",
)


@command(app, resumable=True, on_cluster=True, to_address=True)
def embed(
    session: Session,
    recipe: EmbedRecipe,
    files: Annotated[list[str], typer.Argument(help="Files, folders, datasets, or - for names on stdin.")],
    encoder: Annotated[Path, typer.Option("--encoder", "-e", help="A model, a run, or a checkpoint.")],
    out: Annotated[Path, output("The Parquet file to write.")],
    jobs: Jobs = 1,
    overwrite: Overwrite = False,
    fail_fast: FailFast = False,
    shard: ShardOption = "",
) -> int:
    """Write an encoder's features of files as Parquet, a row a window."""
    from avtool.jobs.embed import embed as run

    result = run(
        expand_lists(files), encoder, out, recipe, session.reporter,
        jobs=jobs, overwrite=overwrite, fail_fast=fail_fast, shard=Shard.parse(shard),
    )  # fmt: skip
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
