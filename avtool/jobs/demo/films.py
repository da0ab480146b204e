"""The demonstration's films: made on the spot, with captions that are out of time."""

from collections.abc import Iterator
from pathlib import Path

from avtool.core.files import writing
from avtool.core.reporter import Reporter
from avtool.jobs.demo.recipe import DemoRecipe
from avtool.synthetic.distort import Distortion
from avtool.synthetic.make_film import FilmFiles, make_film
from avtool.synthetic.real_sounds import real_sounds

# The captions of real films come in such styles, and out of time in such ways.
_VARIETIES = (
    ("netflix", Distortion(offset=7.3, ratio=25 / (24000 / 1001))),
    ("disc", Distortion(offset=-4.0)),
    ("bbc", Distortion(offset=1.0, ratio=1.0015)),
)
TABLE = "films.csv"


def make_films(folder: Path, recipe: DemoRecipe, reporter: Reporter) -> list[FilmFiles]:
    """Makes the films and the table `films.csv` of them and their captions."""
    reporter.info(
        f"making {recipe.films} films of {recipe.minutes:g} minutes with captions that are out of time"
    )
    films = list(_make(folder, recipe, reporter))
    table = folder / TABLE
    with writing(table):
        rows = [f"{film.film.name},{film.captions.name if film.captions else ''}" for film in films]
        table.write_text("\n".join(["film,captions", *rows]) + "\n", encoding="utf-8")
    return films


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
            video=recipe.video,
            reporter=reporter,
        )
