"""`avtool caption`: SDH captions for films that have none."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.help import DefaultGroup
from avtool.cli.inputs import expand_lists, need_alone
from avtool.cli.options import (
    DryRun,
    FailFast,
    Jobs,
    Overwrite,
    Resume,
    Settle,
    ShardOption,
    Watch,
    output,
)  # fmt: skip
from avtool.cli.session import Session
from avtool.cli.train import add_task
from avtool.core.errors import BadInputError, ExitCode
from avtool.core.shard import Shard
from avtool.jobs.caption.calibration import CalibrateRecipe
from avtool.jobs.caption.recipe import CaptionRecipe
from avtool.tasks import TASKS

app = verb_app(
    "caption",
    "avtool caption film.mkv --out captions",
    "avtool caption films/ --model runs/sounds --merge auto --format vtt,ttml --jobs 4 --out captions",
    cls=DefaultGroup.of("films"),
)
Films = Annotated[
    list[str] | None,
    typer.Argument(help="Films, folders, addresses, tables (film,captions), or - for stdin."),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        help="A model, a run, published weights, or a CSV table of events.  [default: the published tagger "
        "on this machine]",
    ),
]
Download = Annotated[
    bool, typer.Option("--download", help="Download YAMNet where no model is given, nor on this machine.")
]


@command(app, "films", resumable=True, on_cluster=True, to_address=True)
def films(
    session: Session,
    recipe: CaptionRecipe,
    films: Films = None,
    out: Annotated[Path | None, output("The folder of captions to write.")] = None,
    model: ModelOption = None,
    download: Download = False,
    jobs: Jobs = 1,
    resume: Resume = True,
    fail_fast: FailFast = False,
    dry_run: DryRun = False,
    watch: Watch = None,
    settle: Settle = 10.0,
    shard: ShardOption = "",
) -> int:
    """Write SDH captions of the sounds in films: the default subcommand, whose name may be dropped."""
    from avtool.jobs.caption.default_model import choose_model
    from avtool.jobs.caption.job import caption
    from avtool.jobs.caption.plan import plan_films
    from avtool.jobs.caption.watched import watched_films
    from avtool.jobs.watch import watch as watch_folder

    names = expand_lists([*(films or []), *([str(watch)] if watch and dry_run else [])])
    if dry_run:
        plan = plan_films(names, model, recipe)
        session.table(["film", "seconds", "dialogue", "problem"], [one.cells() for one in plan.films])
        session.table(["plan", ""], list(plan.rows()))
        session.emit({"plan": plan, "recipe": recipe.model_dump(mode="json")})
        return ExitCode.SOME_FAILED if plan.failed else ExitCode.DONE
    if out is None:
        raise BadInputError("no output folder is given", "add --out DIR")
    if not names and watch is None:
        raise BadInputError("no films given", "name films or folders of films, or add --watch DIR")
    chosen = choose_model(model, session.reporter, download=download)
    if watch is not None:
        need_alone(names, resume=resume, fail_fast=fail_fast)
        watch_folder(
            watch, out, watched_films(chosen, out, recipe, session.reporter, jobs, session.command_line),
            session.reporter, settle=settle, jobs=jobs,
        )  # fmt: skip
    result = caption(
        names, chosen, out, recipe, session.reporter,
        jobs=jobs, overwrite=not resume, fail_fast=fail_fast, command=session.command_line,
        shard=Shard.parse(shard),
    )  # fmt: skip
    rows = [
        (film.film, film.status, film.cues, film.events, film.seconds, film.error or "")
        for film in result.films
    ]
    session.table(["film", "status", "cues", "events", "seconds", "problem"], rows)
    session.emit({"out": result.out, "films": result.films, "seconds": result.seconds}, text=str(result.out))
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE


@command(app, "calibrate")
def calibrate(
    session: Session,
    recipe: CalibrateRecipe,
    dataset: Annotated[Path, typer.Argument(help="A dataset that `avtool mine-subtitles` made of films.")],
    out: Annotated[Path, output("The thresholds to write, for --thresholds.")],
    model: ModelOption = None,
    download: Download = False,
    overwrite: Overwrite = False,
) -> None:
    """Choose a classifier's thresholds by class on films with captions."""
    from avtool.jobs.caption.calibrate import calibrate as run
    from avtool.jobs.caption.default_model import choose_model

    chosen = choose_model(model, session.reporter, download=download)
    result = run(
        dataset, chosen, out, recipe, session.reporter, overwrite=overwrite, command=session.command_line
    )
    columns = ["class", "events", "threshold", "precision", "recall", "F1"]
    rows = [
        (
            one.label,
            one.events,
            one.threshold,
            *(round(value, 3) for value in (one.precision, one.recall, one.f1)),
        )
        for one in result.classes
    ]
    session.table(columns, rows)
    session.emit({"result": result}, text=str(result.out))


add_task(app, TASKS.find("dense-captioning"), "train")
