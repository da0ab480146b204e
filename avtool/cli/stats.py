"""`avtool stats`: a dataset in numbers, spectrogram mean and std among them."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Jobs, output
from avtool.cli.session import Session
from avtool.data.statistics import StatsRecipe

app = verb_app("stats", "avtool stats esc50", "avtool stats esc50 --jobs -1 --out statistics.json")
_MOST_LABELS = 20


@command(app, to_address=True)
def stats(
    session: Session,
    recipe: StatsRecipe,
    dataset: Annotated[Path, typer.Argument(help="A dataset.")],
    jobs: Jobs = 1,
    out: Annotated[Path | None, output("Write the numbers to this JSON file.")] = None,
) -> None:
    """Show dataset statistics: clips, durations, labels, image sizes, spectrogram mean and std."""
    from avtool.data.statistics import stats as run

    result = run(dataset, recipe, session.reporter, jobs=jobs, out=out)
    session.table(["label", "clips"], result.labels[:_MOST_LABELS], title="labels")
    facts = [["clips", result.clips], ["groups", result.groups]]
    if not result.still:
        session.table(
            ["from s", "to s", "clips"],
            [[round(b.start, 3), round(b.end, 3), b.clips] for b in result.durations],
            title="lengths",
        )
        facts.insert(1, ["hours", result.hours])
    if result.sizes:
        session.table(["height", "width", "images"], result.sizes.most, title="most frequent sizes")
        facts += [
            [name, f"{side[0]} to {side[2]}, median {side[1]:g}"]
            for name, side in (("height", result.sizes.height), ("width", result.sizes.width))
        ]
    if result.fbank:
        facts += [["fbank mean", round(result.fbank.mean, 6)], ["fbank std", round(result.fbank.std, 6)]]
    session.table(["what", "value"], facts)
    session.emit(result.to_dict() | {"out": out}, text=str(out) if out else "")
