"""`avtool shots`: a table of the shots of films."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.inputs import expand_lists
from avtool.cli.options import FailFast, Overwrite, output
from avtool.cli.session import Session
from avtool.core.errors import ExitCode
from avtool.media.shots import Shot, ShotRecipe

app = verb_app(
    "shots",
    "avtool shots film.mkv --out shots.csv",
    "avtool shots films/ --out shots.csv --ratio 2.5",
)


@command(app)
def shots(
    session: Session,
    recipe: ShotRecipe,
    films: Annotated[list[str], typer.Argument(help="Films, folders, or - for names on stdin.")],
    out: Annotated[Path, output("The CSV file to write, a row a shot.")],
    overwrite: Overwrite = False,
    fail_fast: FailFast = False,
) -> int:
    """Find the shots of films, and write their times as a table."""
    from avtool.jobs.shots import shots as job

    result = job(expand_lists(films), out, recipe, session.reporter, overwrite=overwrite, fail_fast=fail_fast)
    session.table(
        ["film", "shots", "seconds", "median s"],
        [(film.media, film.error or len(film.shots), *_durations(film.shots)) for film in result.films],
    )
    session.emit({"out": result.out, "films": result.films, "seconds": result.seconds}, text=str(result.out))
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE


def _durations(found: tuple[Shot, ...]) -> tuple[object, object]:
    """Of a film, and the median of its shots, in seconds."""
    if not found:
        return "", ""
    lengths = sorted(shot.end - shot.start for shot in found)
    return round(found[-1].end - found[0].start, 3), round(lengths[len(lengths) // 2], 3)
