"""`avtool finetune`: a data set in, a trained classifier out."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, subcommand_app
from avtool.cli.session import Session
from avtool.tasks.classification.recipe import FinetuneRecipe

app = subcommand_app()


@command(app)
def finetune(
    session: Session,
    recipe: FinetuneRecipe,
    dataset: Annotated[Path, typer.Argument(help="The data set, as `avtool prepare` makes it.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The run to write.  [default: runs/MODEL-SETTINGS]")
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", help="Processes that compute spectrograms; -1: one a processor.")
    ] = 1,
    resume: Annotated[
        bool, typer.Option("--resume/--overwrite", help="Go on with what is there, or begin anew.")
    ] = True,
) -> None:
    """Train a classifier of sound, pictures or both on a data set, from scratch or from other weights."""
    from avtool.jobs.finetune import finetune as run

    result = run(
        dataset, recipe, session.reporter,
        out=out, jobs=jobs, overwrite=not resume, command=session.command_line,
    )  # fmt: skip
    session.table(
        ["validation", "value"], [(name, round(value, 4)) for name, value in result.metrics.items()]
    )
    session.emit({"result": result}, text=str(result.out))
