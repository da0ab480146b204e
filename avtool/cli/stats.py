"""`avtool stats`: a data set in numbers, the mean and deviation of its spectrograms among them."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, subcommand_app
from avtool.cli.session import Session
from avtool.data.statistics import StatsRecipe

app = subcommand_app()
_MOST_LABELS = 20


@command(app)
def stats(
    session: Session,
    recipe: StatsRecipe,
    dataset: Annotated[Path, typer.Argument(help="A data set.")],
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes; -1: one a processor.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the numbers to this JSON file.")
    ] = None,
) -> None:
    """Say what is in a data set: clips, lengths, labels, and what its spectrograms are scaled by."""
    from avtool.data.statistics import stats as run

    result = run(dataset, recipe, session.reporter, jobs=jobs, out=out)
    session.table(["label", "clips"], result.labels[:_MOST_LABELS], title="labels")
    session.table(
        ["from s", "to s", "clips"],
        [[round(b.start, 3), round(b.end, 3), b.clips] for b in result.durations],
        title="lengths",
    )
    facts = [["clips", result.clips], ["hours", result.hours], ["groups", result.groups]]
    if result.fbank:
        facts += [["fbank mean", round(result.fbank.mean, 6)], ["fbank std", round(result.fbank.std, 6)]]
    session.table(["what", "value"], facts)
    session.emit(result.to_dict() | {"out": out}, text=str(out) if out else "")
