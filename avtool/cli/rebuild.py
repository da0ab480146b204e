"""`avtool rebuild`: a shared dataset made again from one's own films."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Jobs, Resume, output
from avtool.cli.session import Session
from avtool.core.errors import ExitCode

app = verb_app(
    "rebuild",
    "avtool rebuild movie-sounds --films films/ --out events",
    "avtool rebuild movie-sounds --films /mnt/films --out events --jobs -1",
)


@command(app, resumable=True, on_cluster=True, to_address=True)
def rebuild(
    session: Session,
    export: Annotated[Path, typer.Argument(help="A dataset that `avtool export --to` wrote.")],
    films: Annotated[Path, typer.Option("--films", help="The folder of the films.")],
    out: Annotated[Path, output("The dataset to write.")],
    jobs: Jobs = 1,
    resume: Resume = True,
) -> int:
    """Make the clips of a shared dataset again from one's own films."""
    from avtool.data.sharing.rebuild import rebuild as run

    result = run(
        export, films, out, session.reporter, jobs=jobs,
        overwrite=not resume, command=session.command_line,
    )  # fmt: skip
    rows = [
        ("clips", result.clips),
        ("films", result.films),
        ("missing films", len(result.missing)),
        ("differing clips", len(result.differing)),
    ]
    session.table(["rebuilt", ""], rows)
    session.emit({"result": result}, text=str(result.out))
    return ExitCode.DONE if result.whole else ExitCode.SOME_FAILED
