"""`avtool prepare`: a folder of media, a table, or a published list in, a dataset out."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import DryRun, FailFast, Jobs, Resume, output
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.data.prepare.recipe import PrepareRecipe

app = verb_app(
    "prepare",
    "avtool prepare ESC-50-master --out esc50",
    "avtool prepare clips.csv --media videos --out dataset --jobs -1",
)


@command(app, resumable=True, on_cluster=True, to_address=True)
def prepare(
    session: Session,
    recipe: PrepareRecipe,
    source: Annotated[str, typer.Argument(help="A folder of media, a table, or a dataset's own lists.")],
    out: Annotated[Path, output("The dataset to write.")],
    media: Annotated[
        str | None, typer.Option(help="The folder of the media; by default beside the source.")
    ] = None,
    jobs: Jobs = 1,
    resume: Resume = True,
    fail_fast: FailFast = False,
    dry_run: DryRun = False,
) -> int:
    """Make a dataset of a media folder, a table, or a published list of clips."""
    from avtool.data.prepare.dataset import plan
    from avtool.data.prepare.dataset import prepare as run
    from avtool.media.addresses import fetch

    listed, folder = fetch(source), fetch(media) if media is not None else None
    if dry_run:
        planned = plan(listed, recipe, session.reporter, folder)
        session.table(
            ["layout", "clips listed", "with a file", "absent", "ambiguous", "refused", "files", "MB"],
            [
                [
                    planned.layout, planned.listed, planned.found, planned.absent, planned.ambiguous,
                    planned.refused, planned.media, round(planned.media_bytes / 1e6, 1),
                ]
            ],
        )  # fmt: skip
        session.emit({"out": out, "plan": planned, "recipe": recipe.model_dump(mode="json")})
        return ExitCode.DONE
    result = run(
        listed, out, recipe, session.reporter,
        media=folder, jobs=jobs,
        overwrite=not resume, fail_fast=fail_fast, command=session.command_line,
    )  # fmt: skip
    summary = result.summary
    session.table(
        ["split", "fold", "clips", "hours", "groups"],
        [
            [p.split or "-", "-" if p.fold is None else p.fold, p.clips, p.hours, p.groups]
            for p in summary.splits
        ],
    )
    session.table(["problem", "clips"], list(summary.problems.items()))
    session.emit(
        {"out": result.out, "summary": summary, "problems": result.problems, "seconds": result.seconds},
        text=str(result.out),
    )
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE
