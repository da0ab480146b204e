"""The thresholds of a sound tagger: those whose captions of mined films are best."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from avtool.captioning.style import load_style
from avtool.core.reporter import Reporter
from avtool.data.items import Item
from avtool.evaluation.sound_captions.mined_captions import MinedCaption, captioned_sounds, class_onsets
from avtool.inference.sound_tagger.calibration import GRID, ClassCalibration, count_film
from avtool.inference.sound_tagger.captioner import SoundTagger
from avtool.jobs.caption.calibrated_films import CalibratedFilm, Calibrator, Choice
from avtool.jobs.caption.calibration import CalibrateRecipe, CalibrateResult, listen_to_all


def calibrate_tagger(
    films: Mapping[str, Sequence[MinedCaption]],
    tagger: SoundTagger,
    out: Path,
    recipe: CalibrateRecipe,
    reporter: Reporter,
) -> tuple[CalibrateResult, list[ClassCalibration]]:
    """Chooses the threshold of each class.

    Args:
        films: the captions of each film.
        tagger: with its default thresholds.
        out: the artifact, for the result.
        recipe: the settings.
        reporter: gets progress, scores, and films that cannot be read.

    Returns:
        The result, and all classes for the table.

    Raises:
        BadInputError: no film could be read.
    """
    with TemporaryDirectory(prefix="avtool-") as folder:
        heard = _listen(films, tagger, recipe, Path(folder), reporter)
        chosen_by = {"min_events": recipe.min_events, "per_hour": recipe.per_hour}
        choice = Calibrator(tagger, load_style(recipe.style), recipe.tolerance, chosen_by).choose(heard)
    classes = choice.classes if choice.is_better else _by_default(choice.classes, tagger)
    _report(choice, len(heard), reporter)
    own = sorted((one for one in classes if one.f1 == one.f1), key=lambda one: (-one.events, one.label))
    hours = round(sum(film.heard.seconds for film in heard) / 3600, 3)
    result = CalibrateResult(
        out, len(heard), hours, own, choice.raised if choice.is_better else 0.0,
        round(choice.held_out, 4), round(choice.defaults, 4), not choice.is_better,
    )  # fmt: skip
    return result, classes


def _by_default(classes: Sequence[ClassCalibration], tagger: SoundTagger) -> list[ClassCalibration]:
    """The classes at their default thresholds."""
    defaults = tagger.thresholds.threshold.tolist()
    return [
        ClassCalibration(one.label, value, one.events) for one, value in zip(classes, defaults, strict=True)
    ]


def _report(choice: Choice, films: int, reporter: Reporter) -> None:
    where = "films that they were not chosen on" if films > 1 else "the only film, on which they were chosen"
    shares = f"{100 * choice.held_out:.1f} %, with the default thresholds {100 * choice.defaults:.1f} %"
    reporter.info(f"onset F1 of captions on {where}: {shares}")
    if not choice.is_better:
        reporter.warn("calibrated thresholds are worse: the default ones are kept")


def _listen(
    films: Mapping[str, Sequence[MinedCaption]],
    tagger: SoundTagger,
    recipe: CalibrateRecipe,
    folder: Path,
    reporter: Reporter,
) -> list[CalibratedFilm]:
    """The films, each listened to once; their scores are files of the folder."""
    labels = [one.label for one in tagger.classes]

    def listen(film: Item) -> CalibratedFilm:
        captions = films[film.name]
        sounds = tagger.record(film, folder / f"{film.stem}.f32", reporter)
        found, true = tagger.sweep(sounds, GRID), class_onsets(captions, tagger.classes)
        counts = count_film(labels, sounds.seconds, found, true, recipe.tolerance)
        return CalibratedFilm(sounds, counts, captioned_sounds(captions, recipe.language))

    return list(listen_to_all(films, listen, reporter).values())
