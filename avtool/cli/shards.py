"""`avtool shards`: a dataset in WebDataset shards, to pretrain on."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Jobs, Overwrite, output
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.data.shards.recipe import ShardRecipe

app = verb_app(
    "shards", "avtool shards esc50 --out shards", "avtool shards esc50 --out shards --jobs 4 --overwrite"
)


@command(app, to_address=True)
def shards(
    session: Session,
    recipe: ShardRecipe,
    dataset: Annotated[
        Path, typer.Argument(help="The dataset, as `avtool prepare` or `mine-subtitles` makes it.")
    ],
    out: Annotated[Path, output("The artifact to write.")],
    jobs: Jobs = 1,
    overwrite: Overwrite = False,
) -> int:
    """Write the clips of a dataset into WebDataset shards."""
    from avtool.data.shards.dataset import write_shards

    result = write_shards(
        dataset, out, recipe, session.reporter, jobs=jobs, overwrite=overwrite, command=session.command_line
    )
    rows = [
        ("shards", result.shards),
        ("clips", result.clips),
        ("skipped", len(result.skipped)),
        ("MiB", round(result.num_bytes / (1 << 20), 1)),
    ]
    session.table(["written", ""], rows)
    session.emit({"result": result}, text=str(result.out))
    return ExitCode.SOME_FAILED if result.skipped else ExitCode.DONE
