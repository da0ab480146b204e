"""A trained classifier applied to files: class scores, or a timeline of events."""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.artifact import Artifact, Input, open_partial, publish
from avtool.core.errors import AvtoolError, DiskFullError, MissingError, SomeFailedError
from avtool.core.files import link_tree, sha256_of, write_csv
from avtool.core.reporter import Reporter
from avtool.data.items import Item, find_items
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import write_predictions
from avtool.inference.files import FileScore, load_predictor, score_files
from avtool.inference.recipes import PredictRecipe
from avtool.inference.score import Scored
from avtool.inference.timelines import write_timelines
from avtool.models.model_files import weights_file

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor

_PARTS = "files"
_OF_THE_MACHINE = {"runtime", "batch_size"}


@dataclass(frozen=True)
class FileOutcome:
    """How one file ended.

    Attributes:
        name: the file, or the clip's id.
        status: `predicted`, `kept` (done before: same file, same settings) or `failed`.
        label: the most probable class.
        probability: of it.
        events: how many were found; 0 where none were asked for.
        seconds: the length of the file.
        error: what went wrong, when it failed.
    """

    name: str
    status: str
    label: str = ""
    probability: float = 0.0
    events: int = 0
    seconds: float = 0.0
    error: AvtoolError | None = None


@dataclass(frozen=True)
class PredictResult:
    """What a prediction left behind: the artifact, each file, and the wall time."""

    out: Path
    files: list[FileOutcome]
    seconds: float

    @property
    def failed(self) -> list[FileOutcome]:
        """The files that could not be predicted."""
        return [file for file in self.files if file.status == "failed"]


def predict(
    sources: Sequence[str],
    model: Path,
    out: Path,
    recipe: PredictRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    fail_fast: bool = False,
    command: str = "predict",
) -> PredictResult:
    """Scores every file; those that an earlier run with the same settings finished are kept.

    Args:
        sources: files, folders, and data sets.
        model: a model, a run, or a checkpoint.
        out: the `predictions` artifact to write.
        recipe: the settings.
        reporter: told about progress and files that fail.
        jobs: processes, each of which loads the model; -1 for one a processor.
        overwrite: begin anew.
        fail_fast: stop at the first file that fails.
        command: the command line, for the card.

    Raises:
        AvtoolError: the model cannot be used, or no file could be predicted (a single file's own error).
    """
    begin = time.perf_counter()

    items = find_items(sources, split=recipe.split, folds=recipe.folds)
    predictor = load_predictor(model, recipe, reporter)
    weights = weights_file(model)
    used = Input(str(model), "model", sha256_of(weights))
    settings = {
        "command": "predict",
        "model": used.sha256,
        "recipe": recipe.model_dump(mode="json", exclude=_OF_THE_MACHINE),
    }
    partial = open_partial(out, settings, overwrite=overwrite)
    parts = partial / _PARTS
    if not overwrite and (out / _PARTS).is_dir() and not parts.exists():
        link_tree(out / _PARTS, parts)
    parts.mkdir(exist_ok=True)
    scored: dict[str, Scored] = {}
    told: dict[str, FileOutcome] = {}
    try:
        with reporter.progress("predicting", len(items)) as bar:
            for score in score_files(items, parts, predictor, recipe, reporter, jobs):
                name, found = score.item.name, score.found
                told[name] = _outcome(score, predictor)
                if isinstance(found, Scored):
                    scored[name] = found
                elif fail_fast or len(items) == 1 or isinstance(found, DiskFullError | MissingError):
                    raise found
                else:
                    reporter.warn(f"{name} failed: {found}")
                bar.advance(note=score.item.path.name)
        if not scored:
            raise SomeFailedError(
                f"none of the {len(items)} files could be predicted", "the warnings say why"
            )
    except AvtoolError:
        if not any(parts.iterdir()):
            shutil.rmtree(partial, ignore_errors=True)
        raise
    outcomes = [told[item.name] for item in items]
    _write(partial, items, scored, outcomes, predictor, recipe)
    publish(out, Artifact("predictions", command, settings, inputs=[used]), unhashed=[_PARTS])
    return PredictResult(out, outcomes, round(time.perf_counter() - begin, 3))


def _outcome(score: FileScore, predictor: "Predictor") -> FileOutcome:
    """The score in a line for people."""
    name, found = score.item.name, score.found
    if isinstance(found, AvtoolError):
        return FileOutcome(name, "failed", error=found)
    best = int(np.argmax(found.probabilities[: predictor.outputs.sizes[0]]))
    return FileOutcome(
        name,
        "kept" if score.kept else "predicted",
        predictor.outputs.labels[best],
        round(found.probabilities[best], 4),
        len(found.events),
        found.seconds,
    )


def _write(
    partial: Path,
    items: Sequence[Item],
    scored: Mapping[str, Scored],
    outcomes: Sequence[FileOutcome],
    predictor: "Predictor",
    recipe: PredictRecipe,
) -> None:
    done = [item for item in items if item.name in scored]
    clips: list[Any] = [item.clip for item in done]
    labels = predictor.outputs.labels
    predictions = Predictions(
        tuple(item.name for item in done),
        labels,
        np.array([scored[item.name].logits for item in done], np.float32),
        tuple(clip.labels if clip else () for clip in clips),
        tuple(clip.group if clip else "" for clip in clips),
        tuple(clip.fold if clip else None for clip in clips),
        predictor.outputs.sizes,
    )
    write_predictions(partial, predictions)
    rows = [[item.name, *(f"{value:.6f}" for value in scored[item.name].probabilities)] for item in done]
    write_csv(partial / "scores.csv", ["file", *labels], rows)
    failures = [[file.name, str(file.error)] for file in outcomes if file.error]
    write_csv(partial / "failures.csv", ["file", "problem"], failures)
    if recipe.events:
        events = {item.name: scored[item.name].events for item in done}
        write_timelines(partial, events, {item.name: item.stem for item in done}, recipe.formats)
    wanted = {f"{item.stem}.json" for item in done}
    for path in (partial / _PARTS).iterdir():  # of files that are no longer asked for
        if path.name not in wanted:
            path.unlink()
