"""`avtool moving-sources`: films in which sight and sound truly correspond, of any recordings."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, subcommand_app
from avtool.cli.session import Session

app = subcommand_app()


@command(app)
def moving_sources(
    session: Session,
    sounds: Annotated[
        Path,
        typer.Argument(help="ESC-50 or ESC-10, a data set, or sounds in folders that are their classes."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The data set to write.")],
    count: Annotated[int, typer.Option("--count", "-n", help="Films to make.")] = 400,
    seconds: Annotated[float, typer.Option("--seconds", help="Length of a film.", min=0.5, max=60)] = 4.0,
    size: Annotated[int, typer.Option("--size", help="Side of the picture, in pixels.", max=1024)] = 64,
    fps: Annotated[int, typer.Option("--fps", help="Pictures a second.", min=1, max=60)] = 16,
    seed: Annotated[int, typer.Option("--seed", help="Of everything random.", min=0)] = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes; -1: one a processor.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew whatever stands there.")] = False,
) -> None:
    """Make short films of one object each that moves as its sound is loud, with labels, folds and groups."""
    from avtool.data.moving_sources import make_av_clips
    from avtool.synthetic.moving_sources import ClipSettings

    result = make_av_clips(
        out, sounds, session.reporter,
        count=count, settings=ClipSettings(seconds, size, fps), seed=seed,
        jobs=jobs, overwrite=overwrite, command=session.command_line,
    )  # fmt: skip
    session.table(["made", ""], [("films", result.clips), ("classes", len(result.classes))])
    session.emit({"result": result}, text=str(result.out))
