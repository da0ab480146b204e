"""Calibration of a captioner's thresholds: its settings and its result."""

from dataclasses import dataclass
from pathlib import Path

from avtool.core.recipe import option
from avtool.inference.captioner import ModelOptions
from avtool.inference.sound_tagger.calibration import ClassCalibration


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
