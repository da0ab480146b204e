"""The whole path on films made on the spot: nothing to download, nothing to prepare."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import partial_folder
from avtool.core.errors import BadInputError
from avtool.core.files import writing
from avtool.core.reporter import Reporter
from avtool.data.film_maker.distort import Distortion
from avtool.data.film_maker.make_film import FilmFiles, make_film
from avtool.data.film_maker.real_sounds import real_sounds
from avtool.evaluation.mined_events import (
    EventScores,
    found_events,
    merge_scores,
    read_true_events,
    score_events,
)
from avtool.jobs.demo_recipe import DemoRecipe
from avtool.jobs.mine_subtitles import MineResult, mine_subtitles
from avtool.mining.pairing import pair_films

# The captions of real films come in such styles, and out of time in such ways.
_VARIETIES = (
    ("netflix", Distortion(offset=7.3, ratio=25 / (24000 / 1001))),
    ("disc", Distortion(offset=-4.0)),
    ("bbc", Distortion(offset=1.0, ratio=1.0015)),
)
_MARK = ".avtool-demo"


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration made: the films, the data set mined from them, and how well it went."""

    folder: Path
    films: list[FilmFiles]
    mined: MineResult
    scores: EventScores

    @property
    def report(self) -> Path:
        """The page to look at."""
        return self.mined.out / "report.html"


def demo(
    out: Path, recipe: DemoRecipe, reporter: Reporter, *, overwrite: bool = False, jobs: int = 1
) -> DemoResult:
    """Makes films with captions that are out of time, mines them, and compares with what was put in.

    Args:
        out: the folder for `films/` and `mined/`.
        recipe: the settings.
        reporter: told about progress.
        overwrite: whether an older demonstration there may go.
        jobs: processes for mining.

    Raises:
        BadInputError: `out` holds something else.
    """
    _prepare(out, overwrite)
    reporter.info(
        f"making {recipe.films} films of {recipe.minutes:g} minutes with captions that are out of time"
    )
    films = list(_make(out / "films", recipe, reporter))
    table = out / "films" / "films.csv"
    with writing(table):
        rows = [f"{film.film.name},{film.captions.name if film.captions else ''}" for film in films]
        table.write_text("\n".join(["film,captions", *rows]) + "\n", encoding="utf-8")
    pairs = pair_films([str(table)], "auto")
    mined = mine_subtitles(pairs, out / "mined", recipe.mine, reporter, jobs=jobs, command="avtool demo")
    return DemoResult(out, films, mined, _score(films, mined))


def _prepare(out: Path, overwrite: bool) -> None:
    if out.exists() and not (out / _MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise BadInputError(f"`{out}` exists and is no demonstration", "choose another --out folder")
    if (out / _MARK).is_file() and not overwrite:
        raise BadInputError(f"`{out}` holds a demonstration already", "give --overwrite, or another --out")
    with writing(out):
        for folder in ("films", "mined", partial_folder(out / "mined").name):
            shutil.rmtree(out / folder, ignore_errors=True)
        out.mkdir(parents=True, exist_ok=True)
        (out / _MARK).touch()


def _make(folder: Path, recipe: DemoRecipe, reporter: Reporter) -> Iterator[FilmFiles]:
    sounds = real_sounds(recipe.sounds) if recipe.sounds else None
    for number in range(recipe.films):
        style, distortion = _VARIETIES[number % len(_VARIETIES)]
        yield make_film(
            folder,
            seed=recipe.seed + number,
            minutes=recipe.minutes,
            name=f"film{number + 1}",
            style=style,
            distortion=distortion,
            sounds=sounds,
            picture=recipe.picture,
            reporter=reporter,
        )


def _score(films: list[FilmFiles], mined: MineResult) -> EventScores:
    import pyarrow.parquet as parquet

    rows = parquet.read_table(mined.out / "manifest.parquet").to_pylist()
    return merge_scores(
        [score_events(found_events(rows, film.film.stem), read_true_events(film.events)) for film in films]
    )
