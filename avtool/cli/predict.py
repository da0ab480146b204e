"""`avtool predict`: a model over new files: class scores, or a timeline of events."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, subcommand_app
from avtool.cli.inputs import expand_lists
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.inference.predict_recipe import PredictRecipe

app = subcommand_app()


@command(app)
def predict(
    session: Session,
    recipe: PredictRecipe,
    files: Annotated[list[str], typer.Argument(help="Files, folders, data sets, or - for names on stdin.")],
    model: Annotated[Path, typer.Option("--model", "-m", help="A model, a run, or a checkpoint.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The predictions to write.")],
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", help="Files at the same time; -1: one a processor.")
    ] = 1,
    resume: Annotated[
        bool, typer.Option("--resume/--overwrite", help="Go on with what is there, or begin anew.")
    ] = True,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first file that fails.")
    ] = False,
) -> int:
    """Score files with a trained classifier, or find when each class is heard in them."""
    from avtool.jobs.predict import predict as run

    try:
        result = run(
            expand_lists(files), model, out, recipe, session.reporter,
            jobs=jobs, overwrite=not resume, fail_fast=fail_fast, command=session.command_line,
        )  # fmt: skip
    except KeyboardInterrupt:
        session.reporter.warn("interrupted: the same command goes on where it stopped")
        raise
    rows = [
        (file.name, file.status, file.error or file.label, file.probability, file.events, file.seconds)
        for file in result.files
    ]
    session.table(["file", "status", "class", "probability", "events", "seconds"], rows)
    session.emit({"out": result.out, "files": result.files, "seconds": result.seconds}, text=str(result.out))
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE
