"""`avtool moving-sources`: films whose audio and video correspond, of any recordings."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Jobs, Overwrite, output
from avtool.cli.session import Session

app = verb_app(
    "moving-sources",
    "avtool moving-sources ESC-10 --out moving",
    "avtool moving-sources ESC-10 --out moving --count 1000 --seconds 2",
)


@command(app)
def moving_sources(
    session: Session,
    sounds: Annotated[
        Path,
        typer.Argument(help="ESC-50 or ESC-10, a dataset, or sounds in folders that are their classes."),
    ],
    out: Annotated[Path, output("The dataset to write.")],
    count: Annotated[int, typer.Option("--count", "-n", help="Films to make.")] = 400,
    seconds: Annotated[float, typer.Option("--seconds", help="Length of a film.", min=0.5, max=60)] = 4.0,
    size: Annotated[int, typer.Option("--size", help="Side of the frame, in pixels.", max=1024)] = 64,
    fps: Annotated[int, typer.Option("--fps", help="Frames per second.", min=1, max=60)] = 16,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.", min=0)] = 0,
    jobs: Jobs = 1,
    overwrite: Overwrite = False,
) -> None:
    """Make labelled clips of sources that move as their recordings sound."""
    from avtool.data.moving_sources import make_av_clips
    from avtool.synthetic.moving_sources import ClipSettings

    result = make_av_clips(
        out, sounds, session.reporter,
        count=count, settings=ClipSettings(seconds, size, fps), seed=seed,
        jobs=jobs, overwrite=overwrite, command=session.command_line,
    )  # fmt: skip
    session.table(["made", ""], [("films", result.clips), ("classes", len(result.classes))])
    session.emit({"result": result}, text=str(result.out))
