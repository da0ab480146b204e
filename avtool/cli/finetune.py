"""`avtool finetune`: a dataset in, a trained classifier out."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Jobs, Resume, output
from avtool.cli.session import Session
from avtool.tasks.classification.recipe import FinetuneRecipe

app = verb_app(
    "finetune",
    "avtool finetune esc50 --recipe finetune/esc50-cnn",
    "avtool finetune esc50 --model ast_base --init ast.pt --seconds 5",
)


@command(app)
def finetune(
    session: Session,
    recipe: FinetuneRecipe,
    dataset: Annotated[Path, typer.Argument(help="The dataset, as `avtool prepare` makes it.")],
    out: Annotated[Path | None, output("The run to write.  [default: runs/MODEL-SETTINGS]")] = None,
    jobs: Jobs = 1,
    resume: Resume = True,
) -> None:
    """Train a classifier of audio, video or both on a labelled dataset."""
    from avtool.jobs.finetune import finetune as run

    result = run(
        dataset, recipe, session.reporter,
        out=out, jobs=jobs, overwrite=not resume, command=session.command_line,
    )  # fmt: skip
    session.table(
        ["validation", "value"], [(name, round(value, 4)) for name, value in result.metrics.items()]
    )
    session.emit({"result": result}, text=str(result.out))
