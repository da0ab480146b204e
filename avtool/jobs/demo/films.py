"""The demonstration's films: synthetic, with captions that are out of time."""

from pathlib import Path

from avtool.core.reporter import Reporter
from avtool.jobs.demo.recipe import DemoRecipe
from avtool.synthetic.distort import Distortion
from avtool.synthetic.make_film import FilmSet, make_film_set
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
