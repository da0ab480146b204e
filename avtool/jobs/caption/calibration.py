"""Calibration of a captioner's thresholds: its settings, the films that it reads, and its result."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from avtool.core.errors import BadInputError
from avtool.core.recipe import option
from avtool.core.reporter import Reporter
from avtool.data.items import Item
from avtool.inference.captioner import ModelOptions
from avtool.inference.sound_tagger.calibration import ClassCalibration
from avtool.media.addresses import local_path

Heard = TypeVar("Heard")


class CalibrateRecipe(ModelOptions):
    """`avtool caption calibrate`."""

    style: str = option("netflix", "Style whose rate of cues is kept.", flag="--style")
    tolerance: float = option(
        1.0, "Seconds between a caption and its sound.", flag="--tolerance", gt=0, le=10
    )
    min_events: int = option(
        5, "Captioned events that a class needs for a threshold of its own.", flag="--min-events", ge=1
    )
    per_hour: float = option(
        2.0, "Uncaptioned detections an hour of a class with fewer events.", flag="--per-hour", ge=0
    )
    split: str | None = option(None, "Split of the dataset to calibrate on.", flag="--split")


@dataclass(frozen=True)
class CalibrateResult:
    """What was calibrated.

    Attributes:
        out: the folder for `--thresholds`.
        films: that were listened to.
        hours: of film.
        classes: those with a threshold of their own, the most frequent first.
        raised: by how much all thresholds were raised, for the best captions within the style's rate.
        held_out: F1 by onset of captions by calibrated thresholds, on films that these were not chosen on; of
            a learned captioner, on those that its threshold was chosen on.
        defaults: of captions by the default thresholds.
        kept_defaults: whether the default thresholds were kept, as calibrated ones are worse.
    """

    out: Path
    films: int
    hours: float
    classes: list[ClassCalibration]
    raised: float
    held_out: float
    defaults: float
    kept_defaults: bool


def listen_to_all(
    films: Collection[str], listen: Callable[[Item], Heard], reporter: Reporter
) -> dict[str, Heard]:
    """What is heard in each film that can be read, by the film; the others are warned of.

    Args:
        films: paths or addresses.
        listen: what is called with each film.
        reporter: gets progress, and films that cannot be read.

    Raises:
        BadInputError: no film can be read.
    """
    heard: dict[str, Heard] = {}
    problem = BadInputError("the dataset has no films", "mine some")
    with reporter.progress("calibrating", len(films)) as bar:
        for film in films:
            try:
                heard[film] = listen(Item(film, local_path(film)))
            except BadInputError as error:
                reporter.warn(f"{film} failed: {error}")
                problem = error
            bar.advance(note=Path(film).name)
    if not heard:
        raise problem
    return heard
