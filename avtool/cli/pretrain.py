"""`avtool pretrain`: unlabelled clips in, an encoder out."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import DryRun, Overwrite, Resume, output
from avtool.cli.session import Session
from avtool.tasks.methods import METHODS
from avtool.tasks.pretraining_task import Method
from avtool.tasks.temporal.recipe import AvtRecipe

app = verb_app(
    "pretrain",
    "avtool pretrain audio-mae esc50 --recipe pretrain/audio-mae-tiny",
    "avtool pretrain avt moving --preset tiny --dry-run",
)
Dataset = Annotated[
    Path, typer.Argument(help="The data set, as `avtool prepare` or `mine-subtitles` makes it.")
]


def _subcommand(method: Method) -> Callable[..., None]:
    def pretrain(
        session: Session,
        recipe: Any,
        dataset: Dataset,
        out: Annotated[
            Path | None,
            output("The run to write.  [default: runs/pretrain-METHOD-SETTINGS]"),
        ] = None,
        jobs: Annotated[
            int,
            typer.Option("--jobs", "-j", help="Processes that compute spectrograms; -1: one a processor."),
        ] = 1,
        resume: Resume = True,
        dry_run: DryRun = False,
    ) -> None:
        from avtool.jobs import pretrain as job

        if dry_run:
            plan = job.plan_pretraining(method.name, dataset, recipe, session.reporter, out=out)
            session.table(["plan", ""], list(plan.rows()))
            session.emit({"plan": plan})
            return
        result = job.pretrain(
            method.name, dataset, recipe, session.reporter,
            out=out, jobs=jobs, overwrite=not resume, command=session.command_line,
        )  # fmt: skip
        rows = [(name, round(value, 4)) for name, value in result.metrics.items()]
        session.table(["validation", "value"], rows)
        session.emit({"result": result}, text=str(result.out))

    pretrain.__doc__ = method.summary
    pretrain.__annotations__["recipe"] = method.schema
    return pretrain


for _method in METHODS.values():
    command(app, _method.name)(_subcommand(_method))


@command(app, "preview")
def preview(
    session: Session,
    recipe: AvtRecipe,
    dataset: Dataset,
    out: Annotated[Path, output("The PNG to write.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=200, help="Pairs that are drawn.")] = 8,
    overwrite: Overwrite = False,
) -> None:
    """Draw what `pretrain avt` will see, with its labels."""
    from avtool.jobs.pretrain import preview_pairs

    result = preview_pairs(dataset, recipe, out, session.reporter, count=count, overwrite=overwrite)
    session.emit({"result": result}, text=str(result.out))
