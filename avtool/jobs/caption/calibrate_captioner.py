"""The threshold of a learned captioner: that whose captions of validation films are best."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avtool.captioning.style import CaptionStyle, load_style
from avtool.core.reporter import Reporter
from avtool.evaluation.sound_captions.matching import EventCounts
from avtool.evaluation.sound_captions.mined_captions import MinedCaption, captioned_sounds
from avtool.evaluation.sound_captions.track import SoundCue
from avtool.evaluation.sound_captions.written_captions import count_written
from avtool.inference.dense_captioning.captioner import DenseCaptioner
from avtool.inference.sound_tagger.calibration import ClassCalibration
from avtool.inference.sound_tagger.thresholds import ANY
from avtool.jobs.caption.calibration import CalibrateRecipe, CalibrateResult, listen_to_all

GRID = (0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)
"""The thresholds that are tried; scores of proposals lie close to 1."""


@dataclass(frozen=True)
class ThresholdChoice:
    """A threshold, and how well captions by it find those of the films.

    Attributes:
        threshold: of a proposal's score.
        counts: of the films' captions.
        before: of captions by the model's own threshold.
        films: that were listened to.
        seconds: of film.
    """

    threshold: float
    counts: EventCounts
    before: EventCounts
    films: int
    seconds: float


def calibrate_captioner(
    films: Mapping[str, Sequence[MinedCaption]],
    captioner: DenseCaptioner,
    out: Path,
    recipe: CalibrateRecipe,
    reporter: Reporter,
) -> tuple[CalibrateResult, list[ClassCalibration]]:
    """Chooses the threshold of a learned captioner: the result, and its only class for the table.

    Args:
        films: the captions of each film.
        captioner: with its own threshold.
        out: the artifact, for the result.
        recipe: the settings.
        reporter: gets progress, scores, and films that cannot be read.

    Raises:
        BadInputError: no film could be read.
    """
    truth = {film: captioned_sounds(captions, recipe.language) for film, captions in films.items()}
    style = load_style(recipe.style)
    choice = choose_threshold(captioner, truth, style, recipe.tolerance, reporter)
    found, before = choice.counts, choice.before
    one = ClassCalibration(ANY, choice.threshold, found.true, found.precision, found.recall, found.f1)
    hours = round(choice.seconds / 3600, 3)
    result = CalibrateResult(
        out, choice.films, hours, [one], 0.0, round(found.f1, 4), round(before.f1, 4), kept_defaults=False
    )
    reporter.info(
        f"onset F1 of captions of {choice.films} films: {100 * found.f1:.1f} % at threshold "
        f"{choice.threshold:g}, {100 * before.f1:.1f} % at the model's own"
    )
    return result, [one]


def choose_threshold(
    captioner: DenseCaptioner,
    films: Mapping[str, Sequence[SoundCue]],
    style: CaptionStyle,
    tolerance: float,
    reporter: Reporter,
) -> ThresholdChoice:
    """The threshold of `GRID` with the best F1 by onset, or a higher one that is hardly worse.

    Of the thresholds within one standard error of the best F1 the highest is taken: validation films are few,
    and a false cue disturbs more than a missing one. Each film is listened to once.

    Args:
        captioner: with its own threshold.
        films: their captioned sounds by name, in time order.
        style: of the captions.
        tolerance: seconds between the onsets of a caption and of its proposal.
        reporter: gets progress, and films that cannot be read.

    Raises:
        BadInputError: no film can be read.
    """
    own = captioner.decoding.threshold
    lowest = captioner.at(GRID[0])
    heard = listen_to_all(films, lambda film: lowest.listen(film, reporter), reporter)

    def counted(threshold: float) -> EventCounts:
        total = EventCounts()
        for film, sounds in heard.items():
            sure = (event for event in sounds.events if event.score >= threshold)
            events = [replace(event, threshold=threshold) for event in sure]  # as if listened to with it
            total += count_written(events, films[film], style, sounds.seconds or None, tolerance)
        return total

    counts = {threshold: counted(threshold) for threshold in GRID}
    largest = max(counts.values(), key=lambda found: found.f1)
    least = largest.f1 - _standard_error(largest)
    best = max(threshold for threshold in GRID if counts[threshold].f1 >= least)
    seconds = sum(sounds.seconds for sounds in heard.values())
    return ThresholdChoice(best, counts[best], counted(own), len(heard), seconds)


def _standard_error(counts: EventCounts) -> float:
    """Of an F1, as of a share of the mean number of true and found events."""
    number = max(1.0, (counts.true + counts.found) / 2)
    return math.sqrt(counts.f1 * (1 - counts.f1) / number)
