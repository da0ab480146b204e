"""`avtool pretrain`: unlabelled clips in, an encoder out."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.cli.train import add_task
from avtool.tasks import TASKS
from avtool.tasks.temporal.recipe import AvtRecipe

app = verb_app(
    "pretrain",
    "avtool pretrain audio-mae esc50 --recipe pretrain/audio-mae-tiny",
    "avtool pretrain avt moving --preset tiny --dry-run",
)
for _name, _task in sorted(TASKS.items()):
    if _task.verb == "pretrain":
        add_task(app, _task, _name)


@command(app, "preview")
def preview(
    session: Session,
    recipe: AvtRecipe,
    dataset: Annotated[Path, typer.Argument(help="The dataset, as `avtool prepare` makes it.")],
    out: Annotated[Path, output("The PNG to write.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=200, help="Pairs that are drawn.")] = 8,
    overwrite: Overwrite = False,
) -> None:
    """Draw the pairs of clips that `pretrain avt` learns from, with their labels."""
    from avtool.tasks.temporal.task import TemporalTask

    pairs = TemporalTask(dataset, recipe, session.reporter).draw_sheet(count, out, overwrite=overwrite)
    session.emit({"result": {"out": out, "pairs": pairs}}, text=str(out))
