"""Applies a trained classifier to files: class scores, or a timeline of events."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.artifact import Artifact, Input, open_partial, publish
from avtool.core.errors import AvtoolError, BadInputError, DiskFullError, SomeFailedError
from avtool.core.files import link_tree, read_json, sha256_of, write_json, write_text
from avtool.core.reporter import Reporter
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import write_predictions
from avtool.jobs.finetuning.network import weights_file
from avtool.jobs.predicting.events import Event, EventFinder
from avtool.jobs.predicting.recipe import PredictRecipe
from avtool.jobs.predicting.sources import Item, find_items
from avtool.jobs.predicting.timeline import table_text, write_timelines
from avtool.jobs.predicting.windows import in_batches, iter_windows

if TYPE_CHECKING:
    from avtool.jobs.predicting.classifier import Classifier

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


@dataclass(frozen=True)
class _Scored:
    """What is known of one file: all that a later run needs."""

    state: list[object]
    seconds: float
    logits: list[float]
    probabilities: list[float]
    events: list[Event]


def predict(
    sources: Sequence[str],
    model: Path,
    out: Path,
    recipe: PredictRecipe,
    reporter: Reporter,
    *,
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
        overwrite: begin anew.
        fail_fast: stop at the first file that fails.
        command: the command line, for the card.

    Raises:
        AvtoolError: the model cannot be used, or no file could be predicted (a single file's own error).
    """
    begin = time.perf_counter()
    from avtool.jobs.predicting.classifier import Classifier

    items = find_items(sources, recipe)
    classifier = Classifier(model, recipe, reporter)
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
    outcomes, scored = [], {}
    try:
        with reporter.progress("predicting", len(items)) as bar:
            for item in items:
                outcome, found = _one(item, parts, classifier, recipe, reporter)
                outcomes.append(outcome)
                if found is not None:
                    scored[item.name] = found
                elif outcome.error and (
                    fail_fast or len(items) == 1 or isinstance(outcome.error, DiskFullError)
                ):
                    raise outcome.error
                else:
                    reporter.warn(f"{item.name} failed: {outcome.error}")
                bar.advance(note=item.path.name)
        if not scored:
            raise SomeFailedError(
                f"none of the {len(items)} files could be predicted", "the warnings say why"
            )
    except AvtoolError:
        if not any(parts.iterdir()):
            shutil.rmtree(partial, ignore_errors=True)
        raise
    _write(partial, items, scored, outcomes, classifier, recipe)
    publish(out, Artifact("predictions", command, settings, inputs=[used]), leave_out=[_PARTS])
    return PredictResult(out, outcomes, round(time.perf_counter() - begin, 3))


def _one(
    item: Item, parts: Path, classifier: "Classifier", recipe: PredictRecipe, reporter: Reporter
) -> tuple[FileOutcome, _Scored | None]:
    path = parts / f"{item.stem}.json"
    found, status = _kept(path, item), "kept"
    if found is None:
        try:
            found, status = _score(item, classifier, recipe, reporter), "predicted"
        except AvtoolError as error:
            path.unlink(missing_ok=True)
            return FileOutcome(item.name, "failed", error=error), None
        write_json(path, asdict(found))
    best = int(np.argmax(found.probabilities[: classifier.preprocess.sizes[0]]))
    label, probability = classifier.preprocess.labels[best], found.probabilities[best]
    return (
        FileOutcome(item.name, status, label, round(probability, 4), len(found.events), found.seconds),
        found,
    )


def _kept(path: Path, item: Item) -> _Scored | None:
    """The earlier result, if the file has not changed since."""
    if not path.is_file():
        return None
    values = read_json(path)
    if values.get("state") != json.loads(json.dumps(item.state())):
        return None
    return _Scored(**{**values, "events": [Event(**event) for event in values["events"]]})


def _score(item: Item, classifier: "Classifier", recipe: PredictRecipe, reporter: Reporter) -> _Scored:
    """Scores a file window by window; memory does not grow with its length."""
    if not item.path.is_file():
        raise BadInputError(f"`{item.path}` does not exist", "put it back")
    preprocess = classifier.preprocess
    length = preprocess.seconds if "audio" in preprocess.inputs else preprocess.video.seconds
    hop = recipe.hop or (length / 2 if recipe.events else length)
    finder = EventFinder(preprocess.labels, recipe.threshold, recipe.merge_gap, recipe.min_duration, hop)
    state, end, count = item.state(), 0.0, 0
    logit_sum = np.zeros(len(preprocess.labels))
    probability_sum = np.zeros(len(preprocess.labels))
    for windows in in_batches(iter_windows(item, preprocess, hop, reporter), recipe.batch_size):
        logits = classifier.score(windows)
        if not np.isfinite(logits).all():
            raise BadInputError(f"the model answers `{item.path}` with numbers that are not finite")
        probabilities = classifier.probabilities(logits)
        logit_sum += logits.sum(axis=0, dtype=np.float64)
        probability_sum += probabilities.sum(axis=0)
        count += len(windows)
        end = windows[-1].end
        if recipe.events:
            for window, values in zip(windows, probabilities, strict=True):
                finder.add(window.start, window.end, values)
    if recipe.average == "logits":
        mean = (logit_sum / count).astype(np.float32)
        shown = classifier.probabilities(mean[None])[0]
    else:  # logarithms of the mean probabilities rank, and score, as these do
        shown = probability_sum / count
        mean = np.log(np.maximum(shown, np.finfo(np.float32).tiny)).astype(np.float32)
    return _Scored(state, round(end, 3), mean.tolist(), shown.tolist(), finder.finish())


def _write(
    partial: Path,
    items: Sequence[Item],
    scored: Mapping[str, _Scored],
    outcomes: Sequence[FileOutcome],
    classifier: "Classifier",
    recipe: PredictRecipe,
) -> None:
    done = [item for item in items if item.name in scored]
    clips: list[Any] = [item.clip for item in done]
    labels = classifier.preprocess.labels
    predictions = Predictions(
        tuple(item.name for item in done),
        labels,
        np.array([scored[item.name].logits for item in done], np.float32),
        tuple(clip.labels if clip else () for clip in clips),
        tuple(clip.group if clip else "" for clip in clips),
        tuple(clip.fold if clip else None for clip in clips),
        classifier.preprocess.sizes,
    )
    write_predictions(partial, predictions)
    rows = [[item.name, *(f"{value:.6f}" for value in scored[item.name].probabilities)] for item in done]
    write_text(partial / "scores.csv", table_text(["file", *labels], rows))
    failures = [[file.name, str(file.error)] for file in outcomes if file.error]
    write_text(partial / "failures.csv", table_text(["file", "problem"], failures))
    if recipe.events:
        events = {item.name: scored[item.name].events for item in done}
        write_timelines(partial, events, {item.name: item.stem for item in done}, recipe.formats)
    wanted = {f"{item.stem}.json" for item in done}
    for path in (partial / _PARTS).iterdir():  # of files that are no longer asked for
        if path.name not in wanted:
            path.unlink()
