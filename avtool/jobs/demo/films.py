"""The demonstration's films: synthetic, with captions that are out of time, mined and scored."""

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
from avtool.synthetic.distort import Distortion
from avtool.synthetic.make_film import FilmFiles, FilmSet, make_film_set
from avtool.synthetic.real_sounds import real_sounds

# The captions of real films come in such styles, and out of time in such ways.
_STYLES = ("netflix", "disc", "bbc")
_DISTORTIONS = (
    Distortion(offset=7.3, ratio=25 / (24000 / 1001)),
    Distortion(offset=-4.0),
    Distortion(offset=1.0, ratio=1.0015),
)


def make_films(folder: Path, recipe: DemoRecipe, reporter: Reporter) -> FilmSet:
    """Makes the films, and the table `films.csv` of them and their captions."""
    reporter.info(
        f"making {recipe.films} films of {recipe.minutes:g} minutes with captions that are out of time"
    )
    return make_film_set(
        folder,
        recipe.films,
        seed=recipe.seed,
        minutes=recipe.minutes,
        styles=_STYLES,
        distortions=_DISTORTIONS,
        sounds=real_sounds(recipe.sounds) if recipe.sounds else None,
        video=recipe.video,
        reporter=reporter,
    )


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
