"""`avtool queried-films`: films with queries and ground truth, of any recordings."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Jobs, Overwrite, output
from avtool.cli.session import Session

app = verb_app(
    "queried-films",
    "avtool queried-films ESC-10 --out queried",
    "avtool queried-films ESC-10 --out long --films 0 --val 0 --test 1 --minutes 120",
)


@command(app)
def queried_films(
    session: Session,
    sounds: Annotated[
        Path,
        typer.Argument(help="ESC-50 or ESC-10, a dataset, or sounds in folders that are their classes."),
    ],
    out: Annotated[Path, output("The dataset to write.")],
    films: Annotated[int, typer.Option("--films", "-n", help="Films to train on.", min=0)] = 30,
    val: Annotated[int, typer.Option("--val", help="Films to validate on.", min=0)] = 3,
    test: Annotated[int, typer.Option("--test", help="Films to test on.", min=0)] = 6,
    minutes: Annotated[float, typer.Option("--minutes", help="Length of a film, in minutes.", max=600)] = 2.0,
    at_once: Annotated[
        int, typer.Option("--at-once", help="Objects that may be seen at once.", min=1, max=8)
    ] = 1,
    size: Annotated[int, typer.Option("--size", help="Height of the frame, in pixels.", max=1024)] = 72,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.", min=0)] = 0,
    jobs: Jobs = 1,
    overwrite: Overwrite = False,
) -> None:
    """Make films of objects and recordings, with queries and ground truth."""
    from avtool.data.queried_films import make_queried_films
    from avtool.synthetic.queried_films import QueriedSettings

    result = make_queried_films(
        out, sounds, session.reporter,
        films=films, val=val, test=test,
        settings=QueriedSettings(60 * minutes, (size, 2 * (size * 2 // 3)), at_once=at_once),
        seed=seed, jobs=jobs, overwrite=overwrite, command=session.command_line,
    )  # fmt: skip
    rows = [*((f"films, {split}", count) for split, count in result.films.items())]
    rows += [(f"{kind} queries", count) for kind, count in result.kinds.items()]
    session.table(["made", ""], rows)
    session.emit({"result": result}, text=str(result.out))
