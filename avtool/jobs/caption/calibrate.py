"""`avtool caption calibrate`: thresholds that find the captioned events of mined films best."""

from dataclasses import asdict
from pathlib import Path

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of, write_csv, write_json
from avtool.core.recipe import identity
from avtool.core.reporter import Reporter
from avtool.data.manifest import MANIFEST, read_manifest
from avtool.evaluation.sound_captions.mined_captions import read_mined_captions
from avtool.inference.dense_captioning.captioner import DenseCaptioner
from avtool.inference.sound_tagger.calibration import ClassCalibration
from avtool.inference.sound_tagger.captioner import SoundTagger
from avtool.inference.sound_tagger.thresholds import THRESHOLDS
from avtool.jobs.caption.calibrate_captioner import calibrate_captioner
from avtool.jobs.caption.calibrate_tagger import calibrate_tagger
from avtool.jobs.caption.calibration import CalibrateRecipe, CalibrateResult
from avtool.models.model_files import WEIGHTS
from avtool.tasks import open_captioner

_COLUMNS = ("label", "threshold", "events", "precision", "recall", "f1")


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
    films = read_mined_captions(dataset, split)
    used = [
        Input(str(dataset), "dataset", sha256_of(dataset / MANIFEST)),
        Input(str(model), "model", sha256_of(locate(model) / WEIGHTS)),
    ]
    settings = {"command": "caption calibrate", "inputs": [one.sha256 for one in used], **identity(recipe)}
    partial = open_partial(out, settings, kind="report", overwrite=overwrite, inputs=[dataset, model])
    try:
        if isinstance(captioner, SoundTagger):
            result, rows = calibrate_tagger(films, captioner, out, recipe, reporter)
        else:
            result, rows = calibrate_captioner(films, captioner, out, recipe, reporter)
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


def _row(one: ClassCalibration) -> list[object]:
    measured = [one.precision, one.recall, one.f1]
    cells = ["" if value != value else f"{value:.4f}" for value in measured]
    return [one.label, f"{one.threshold:g}", one.events, *cells]
