"""`avtool demo`: the whole path on a film set made on the spot."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, subcommand_app
from avtool.cli.session import Session
from avtool.jobs.demo.recipe import DemoRecipe

app = subcommand_app()


@command(app)
def demo(
    session: Session,
    recipe: DemoRecipe,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the films and results go.")] = Path("demo"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older demonstration.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Films mined at the same time.")] = 1,
) -> None:
    """Make films with captions that are out of time, mine them, learn their sounds, and write a report."""
    from avtool.jobs.demo.job import demo as run
    from avtool.jobs.demo.pretraining import pretraining_table
    from avtool.jobs.demo.report import learning_table, mining_table

    result = run(out, recipe, session.reporter, overwrite=overwrite, jobs=jobs)
    tables = [mining_table(result.scores)]
    tables += [pretraining_table(result.pretrained)] if result.pretrained else []
    tables += [learning_table(result.learned)] if result.learned else []
    for table in tables:
        session.table(table.columns, table.rows, title=table.title)
    session.emit(
        {
            "folder": out,
            "report": result.report,
            "scores": result.scores,
            "summary": result.mined.summary,
            "pretrained": result.pretrained,
            "learned": result.learned,
        },
        text=f"report: {result.report}",
    )
