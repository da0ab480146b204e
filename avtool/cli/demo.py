"""`avtool demo`: the whole path on a film set made on the spot."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, subcommand_app
from avtool.cli.session import Session
from avtool.jobs.demo_recipe import DemoRecipe

app = subcommand_app()


@command(app)
def demo(
    session: Session,
    recipe: DemoRecipe,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the films and results go.")] = Path("demo"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older demonstration.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Films mined at the same time.")] = 1,
) -> None:
    """Make a small film set with captions that are out of time, mine it, and write its report."""
    from avtool.jobs.demo import demo as run

    result = run(out, recipe, session.reporter, overwrite=overwrite, jobs=jobs)
    scores = result.scores
    rows = [
        ("events put in", scores.num_true),
        ("found with the right sound", scores.num_matched),
        ("found although not there", scores.num_found - scores.num_matched),
        ("start error, median", f"{scores.start_error(50):.3f} s"),
        ("start error, 95 %", f"{scores.start_error(95):.3f} s"),
        ("stated sources right", f"{100 * scores.sources_right:.1f} %"),
        ("qualities right", f"{100 * scores.qualities_right:.1f} %"),
    ]
    session.table(["mined from captions", f"{len(result.films)} films"], rows)
    session.emit(
        {"folder": out, "report": result.report, "scores": scores, "summary": result.mined.summary},
        text=f"report: {result.report}",
    )
