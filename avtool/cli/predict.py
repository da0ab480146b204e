"""`avtool predict`: a model over new files: class scores, or a timeline of events."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.inputs import expand_lists
from avtool.cli.options import FailFast, Jobs, Resume, ShardOption, output
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.core.shard import Shard
from avtool.inference.recipes import PredictRecipe

app = verb_app(
    "predict",
    "avtool predict street.wav --model runs/esc50 --out predictions",
    "avtool predict films/ --model runs/events --out timelines --jobs 4",
)


@command(app, resumable=True, on_cluster=True, to_address=True)
def predict(
    session: Session,
    recipe: PredictRecipe,
    files: Annotated[list[str], typer.Argument(help="Files, folders, datasets, or - for names on stdin.")],
    model: Annotated[Path, typer.Option("--model", "-m", help="A model, a run, or a checkpoint.")],
    out: Annotated[Path, output("The predictions to write.")],
    jobs: Jobs = 1,
    resume: Resume = True,
    fail_fast: FailFast = False,
    shard: ShardOption = "",
) -> int:
    """Predict the classes of files, or a timeline of events."""
    from avtool.jobs.predict import predict as run

    result = run(
        expand_lists(files), model, out, recipe, session.reporter,
        jobs=jobs, overwrite=not resume, fail_fast=fail_fast, command=session.command_line,
        shard=Shard.parse(shard),
    )  # fmt: skip
    counted = ["events"] if recipe.events else []
    rows = [
        (
            *(file.name, file.status, file.error or file.label, file.probability),
            *([file.events] if recipe.events else []),
            file.seconds,
        )
        for file in result.files
    ]
    session.table(["file", "status", "class", "probability", *counted, "seconds"], rows)
    session.emit({"out": result.out, "files": result.files, "seconds": result.seconds}, text=str(result.out))
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE
