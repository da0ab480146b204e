"""`avtool merge`: the shards of a batch joined to what one machine would have written."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.core.errors import ExitCode

app = verb_app(
    "merge",
    "avtool merge events-1 events-2 events-3 --out events",
    "avtool merge features-*.parquet --out features.parquet",
)


@command(app, resumable=True, to_address=True)
def merge(
    session: Session,
    shards: Annotated[list[Path], typer.Argument(help="What `--shard 1/N` to `--shard N/N` wrote.")],
    out: Annotated[Path, output("The artifact, or the Parquet file, to write.")],
    complete: Annotated[
        bool, typer.Option("--complete", help="Do here what shards that are not given would have done.")
    ] = False,
    overwrite: Overwrite = False,
) -> int:
    """Join the shards of a batch: datasets, features, predictions or captions."""
    from avtool.jobs.merge import merge as run

    result = run(
        shards, out, session.reporter,
        complete=complete, overwrite=overwrite, command=session.command_line,
    )  # fmt: skip
    rows = [("verb", result.verb), ("inputs", result.inputs), ("failed", result.failed)]
    session.table(["merged", ""], rows)
    session.emit({"result": result}, text=str(result.out))
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE
