"""`avtool show`: the contents of an artifact, a film or a caption file."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.session import Session
from avtool.core.errors import ExitCode

app = verb_app("show", "avtool show runs/esc50", "avtool show friday.mp4")


@command(app)
def show(
    session: Session,
    path: Annotated[Path, typer.Argument(help="An artifact folder, a film, or a caption file.")],
) -> int:
    """Show the contents of an artifact, a film or a caption file."""
    from avtool.jobs.show import show as look

    shown = look(path)
    session.table(["", str(path)], [[name, value] for name, value in shown.facts.items()])
    session.table(shown.columns, shown.rows)
    session.emit(
        {
            "path": path,
            "kind": shown.kind,
            "facts": shown.facts,
            "rows": shown.rows,
            "problems": shown.problems,
        }
    )
    for problem in shown.problems:
        session.reporter.warn(problem)
    return ExitCode.CORRUPT_ARTIFACT if shown.problems else ExitCode.DONE
