"""`avtool caption calibrate`: thresholds by class that find the captioned events of mined films best."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from avtool.captioning.phrases.phrase_book import SoundClass
from avtool.captioning.style import load_style
from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import sha256_of, write_csv, write_json
from avtool.core.recipe import identity, option
from avtool.core.reporter import Reporter
from avtool.data.items import Item
from avtool.data.manifest import MANIFEST, read_manifest
from avtool.evaluation.dense_captions.segments import CaptionedSegment
from avtool.evaluation.sound_captions.track import sound_cues
from avtool.inference.captioner import ModelOptions
from avtool.inference.dense_captioning.captioner import DenseCaptioner
from avtool.inference.sound_tagger.calibration import GRID, ClassCalibration, count_film
from avtool.inference.sound_tagger.captioner import SoundTagger
from avtool.inference.sound_tagger.thresholds import ANY, THRESHOLDS
from avtool.jobs.caption.calibrate_captioner import choose_threshold
from avtool.jobs.caption.calibrated_films import CalibratedFilm, Calibrator, Choice
from avtool.media.addresses import local_path
from avtool.mining.tagger import Tagger, coarse_sources
from avtool.models.model_files import WEIGHTS
from avtool.tasks import open_captioner

_NEEDED = ("film", "event_start", "sounds")
_COLUMNS = ("label", "threshold", "events", "precision", "recall", "f1")


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


@dataclass(frozen=True)
class _Caption:
    """A captioned event: its onset in film seconds, its text, and its labels."""

    start: float
    text: str
    sounds: frozenset[str]
    sources: frozenset[str]


def calibrate(
    dataset: Path,
    model: Path,
    out: Path,
    recipe: CalibrateRecipe,
    reporter: Reporter,
    *,
    overwrite: bool = False,
    command: str = "caption calibrate",
) -> CalibrateResult:
    """Chooses the threshold of each class of a classifier on mined films, or that of a learned captioner.

    Args:
        dataset: of `avtool mine-subtitles`, whose films are where it names them.
        model: a classifier; or a learned captioner, whose validation films count where the dataset has some.
        out: the artifact to write.
        recipe: the settings.
        reporter: gets progress, and films that cannot be read.
        overwrite: replace an earlier calibration with other settings.
        command: the command line, for the card.

    Raises:
        BadInputError: the dataset was not mined from films, the model has no threshold to choose, or no film
            could be read.
    """
    from avtool.models.foreign import locate

    captioner = open_captioner(model, recipe, reporter)
    is_tagger = isinstance(captioner, SoundTagger)
    if not isinstance(captioner, SoundTagger | DenseCaptioner):
        raise BadInputError(f"`{model}` has no threshold to calibrate", "give a classifier of sounds")
    split = recipe.split if is_tagger or recipe.split is not None else _held_out(dataset, reporter)
    films = _captions(dataset, split)
    used = [
        Input(str(dataset), "dataset", sha256_of(dataset / MANIFEST)),
        Input(str(model), "model", sha256_of(locate(model) / WEIGHTS)),
    ]
    settings = {"command": "caption calibrate", "inputs": [one.sha256 for one in used], **identity(recipe)}
    partial = open_partial(out, settings, kind="report", overwrite=overwrite, inputs=[dataset, model])
    try:
        if isinstance(captioner, SoundTagger):
            result, rows = _calibrate_tagger(films, captioner, out, recipe, reporter)
        else:
            result, rows = _calibrate_captioner(films, captioner, out, recipe, reporter)
    except BaseException:
        discard_partial(partial)
        raise
    write_csv(partial / THRESHOLDS, _COLUMNS, [_row(one) for one in rows])
    values = {"schema_version": 1, **asdict(result), "out": str(out)}
    write_json(partial / "metrics.json", values)
    publish(out, Artifact("report", command, settings, inputs=used))
    return result


def _held_out(dataset: Path, reporter: Reporter) -> str | None:
    """The split that a learned captioner was not trained on, where there is one; None for all films."""
    if any(clip.split == "val" for clip in read_manifest(dataset)):
        return "val"
    reporter.warn("the dataset has no validation films: give films that the model was not trained on")
    return None


def _calibrate_tagger(
    films: Mapping[str, Sequence[_Caption]],
    tagger: SoundTagger,
    out: Path,
    recipe: CalibrateRecipe,
    reporter: Reporter,
) -> tuple[CalibrateResult, list[ClassCalibration]]:
    """Thresholds of classes: the result, and all classes for the table."""
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


def _calibrate_captioner(
    films: Mapping[str, Sequence[_Caption]],
    captioner: DenseCaptioner,
    out: Path,
    recipe: CalibrateRecipe,
    reporter: Reporter,
) -> tuple[CalibrateResult, list[ClassCalibration]]:
    """The threshold of a learned captioner, as the only class."""
    truth = {
        film: sound_cues(
            [CaptionedSegment(one.start, one.start, one.text) for one in captions], recipe.language
        )
        for film, captions in films.items()
    }
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


def _captions(dataset: Path, split: str | None) -> dict[str, list[_Caption]]:
    """The captioned events of each film."""
    clips = read_manifest(dataset)
    if split is not None:
        clips = clips.select(split)
    films: dict[str, list[_Caption]] = defaultdict(list)
    for clip in clips:
        extras: Mapping[str, Any] = clip.extras
        if any(name not in extras for name in _NEEDED):
            message = f"`{dataset}` names no films and events of captions"
            raise BadInputError(message, "give a dataset of `avtool mine-subtitles`")
        stated, implied = (extras.get(name) or () for name in ("sources_stated", "sources_default"))
        sources = coarse_sources(stated) or implied
        start, sounds = float(extras["event_start"]), frozenset(extras["sounds"])
        caption = _Caption(start, clip.text, sounds, frozenset(sources))
        films[str(extras["film"])].append(caption)
    return dict(films)


def _listen(
    films: Mapping[str, Sequence[_Caption]],
    tagger: SoundTagger,
    recipe: CalibrateRecipe,
    folder: Path,
    reporter: Reporter,
) -> list[CalibratedFilm]:
    """The films, each listened to once; their scores are files of the folder."""
    labels, wanted = [one.label for one in tagger.classes], _labels_of(tagger.classes)
    heard: list[CalibratedFilm] = []
    problem: AvtoolError = BadInputError("the dataset has no films", "mine some")
    with reporter.progress("calibrating", len(films)) as bar:
        for number, (film, captions) in enumerate(films.items()):
            try:
                sounds = tagger.record(Item(film, local_path(film)), folder / f"{number}.f32", reporter)
            except BadInputError as error:
                reporter.warn(f"{film} failed: {error}")
                problem = error
            else:
                found, true = tagger.sweep(sounds, GRID), _onsets(captions, wanted)
                counts = count_film(labels, sounds.seconds, found, true, recipe.tolerance)
                segments = [CaptionedSegment(one.start, one.start, one.text) for one in captions]
                heard.append(CalibratedFilm(sounds, counts, sound_cues(segments, recipe.language)))
            bar.advance(note=Path(film).name)
    if not heard:
        raise problem
    return heard


def _labels_of(classes: Sequence[SoundClass]) -> dict[str, list[tuple[str, frozenset[str]]]]:
    """Captioned sound → the classes whose phrase reads as it, each with the sources of the phrase."""
    tagger = Tagger()
    found: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
    for one in classes:
        if one.kind not in ("speech", "never", "generic"):
            tag = tagger.tag(one.phrase)
            for sound in tag.sounds:
                found[sound].append((one.label, frozenset(coarse_sources(tag.sources))))
    return dict(found)


def _onsets(
    captions: Sequence[_Caption], wanted: Mapping[str, Sequence[tuple[str, frozenset[str]]]]
) -> dict[str, list[float]]:
    """The captioned onsets of each class: of its sound, and of its source where both state one."""
    onsets: dict[str, set[float]] = defaultdict(set)
    for caption in captions:
        for sound in caption.sounds:
            for label, sources in wanted.get(sound, ()):
                if not (sources and caption.sources) or sources & caption.sources:
                    onsets[label].add(caption.start)
    return {label: sorted(times) for label, times in onsets.items()}


def _row(one: ClassCalibration) -> list[object]:
    measured = [one.precision, one.recall, one.f1]
    cells = ["" if value != value else f"{value:.4f}" for value in measured]
    return [one.label, f"{one.threshold:g}", one.events, *cells]
