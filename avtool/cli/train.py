"""`avtool train`, and the subcommand of any task: a dataset in, a run and its model out."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import DryRun, Jobs, Resume, output
from avtool.cli.session import Session, with_report
from avtool.tasks import TASKS
from avtool.training.task import Task

_OWN_VERBS = {"caption", "generate", "localize", "pretrain", "finetune", "prompt-tune"}


def add_task(app: typer.Typer, task: type[Task[Any]], name: str | None = None) -> None:
    """Adds the subcommand of a task to `app`; its flags are those of the task's recipe."""
    command(app, name, resumable=True)(_subcommand(task))


def _subcommand(task: type[Task[Any]]) -> Callable[..., None]:
    def train(
        session: Session,
        recipe: Any,
        dataset: Annotated[Path, typer.Argument(help=task.takes)],
        out: Annotated[Path | None, output("The run to write.  [default: runs/TASK-MODEL-SETTINGS]")] = None,
        jobs: Jobs = 1,
        resume: Resume = True,
        dry_run: DryRun = False,
    ) -> None:
        from avtool.jobs import train as job

        if dry_run:
            plan = job.plan_training(task.name, dataset, recipe, session.reporter, out=out)
            session.table(["plan", ""], list(plan.rows()))
            session.emit({"plan": plan.values(), "recipe": recipe.model_dump(mode="json")})
            return
        result = job.train(
            task.name, dataset, recipe, session.reporter,
            out=out, jobs=jobs, overwrite=not resume, command=session.command_line,
        )  # fmt: skip
        rows = [(name, round(value, 4)) for name, value in result.metrics.items()]
        session.table([result.validated_on, "value"], rows)
        session.emit({"result": result}, text=with_report(result.out))

    train.__doc__ = task.summary
    train.__annotations__["recipe"] = task.recipe_type
    return train


app = verb_app(
    "train",
    "avtool train dense-prediction coco --model detr-r50 --init detr.safetensors --out runs/detr",
    "avtool train my-task dataset --dry-run",
)
app.callback()(lambda: None)  # a group even while no package adds a task
for _name, _task in sorted(TASKS.items()):
    if _task.verb not in _OWN_VERBS:
        add_task(app, _task, _name)
