"""Mines the demonstration's films, and compares what is found with what was put in."""

from collections.abc import Sequence
from pathlib import Path

from avtool.core.reporter import Reporter
from avtool.evaluation.mined_events import (
    EventScores,
    found_events,
    merge_scores,
    read_true_events,
    score_events,
)
from avtool.jobs.demo.recipe import DemoRecipe
from avtool.mining.mine_subtitles import MineResult, mine_subtitles
from avtool.mining.pairing import pair_films
from avtool.synthetic.make_film import FilmFiles


def mine_films(
    table: Path, out: Path, recipe: DemoRecipe, reporter: Reporter, *, jobs: int = 1
) -> MineResult:
    """Mines the films of a table; of several films one is put aside to test on."""
    settings = recipe.mine
    if settings.split == "auto" and recipe.films > 1:
        shares = (1 - 1 / recipe.films, 0.0, 1 / recipe.films)
        settings = settings.model_copy(update={"split": shares})
    pairs = pair_films([str(table)], "auto")
    return mine_subtitles(pairs, out, settings, reporter, jobs=jobs, command="avtool demo")


def score_mining(films: Sequence[FilmFiles], mined: Path) -> EventScores:
    """The mined events against the truth of the films."""
    import pyarrow.parquet as parquet

    rows = parquet.read_table(mined / "manifest.parquet").to_pylist()
    return merge_scores(
        [score_events(found_events(rows, film.film.stem), read_true_events(film.events)) for film in films]
    )
