"""`avtool demo`: the whole path on a film set made on the spot."""

from pathlib import Path
from typing import Annotated

from avtool.cli.command import command, verb_app
from avtool.cli.options import Jobs, Overwrite, output
from avtool.cli.session import Session
from avtool.jobs.demo.recipe import DemoRecipe

app = verb_app("demo", "avtool demo", "avtool demo --out /tmp/demo --jobs 4")


@command(app)
def demo(
    session: Session,
    recipe: DemoRecipe,
    out: Annotated[Path, output("Where the films and results go.")] = Path("demo"),
    overwrite: Overwrite = False,
    jobs: Jobs = 1,
) -> None:
    """Make a film set, mine it, train on it, and write a report: the whole path."""
    from avtool.jobs.demo.captioning import caption_table
    from avtool.jobs.demo.job import demo as run
    from avtool.jobs.demo.pretraining import pretraining_table
    from avtool.jobs.demo.queries import query_table
    from avtool.jobs.demo.report import learning_table, mining_table

    result = run(out, recipe, session.reporter, overwrite=overwrite, jobs=jobs)
    tables = [mining_table(result.scores)]
    tables += [pretraining_table(result.pretrained)] if result.pretrained else []
    tables += [learning_table(result.learned)] if result.learned else []
    tables += [caption_table(result.captioned)] if result.captioned else []
    tables += [query_table(result.queried)] if result.queried else []
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
            "captioned": result.captioned,
            "queried": result.queried,
        },
        text=f"report: {result.report}",
    )
