"""Scores of many files, in this process or in several; results of an earlier run are kept."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.batch import Wording, gather
from avtool.core.errors import AvtoolError
from avtool.core.files import read_json, write_json
from avtool.core.parallel import check_jobs, is_serial, map_blocks
from avtool.core.reporter import Recorder, Reporter, Silent
from avtool.data.items import Item, light
from avtool.inference.events import Event
from avtool.inference.outputs import OutputSpec
from avtool.inference.recipes import PredictRecipe
from avtool.inference.score import Scored, score_file

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor

_AT_A_TIME = 16
"""Files that a process scores before it reports, where there are many."""
_WORDING = Wording("predicting", "predicted", "files")


@dataclass(frozen=True)
class FileOutcome:
    """One file in a line.

    Attributes:
        name: the file, or the clip's id.
        status: `predicted`, `kept` (of an earlier run: same file, same settings) or `failed`.
        label: the most probable class.
        probability: of it.
        events: number of events; 0 without event detection.
        seconds: the duration of the file.
        error: the reason, when it failed.
    """

    name: str
    status: str
    label: str = ""
    probability: float = 0.0
    events: int = 0
    seconds: float = 0.0
    error: AvtoolError | None = None


@dataclass(frozen=True)
class FileScore:
    """One file: its score, or its error; and whether the score is of an earlier run."""

    item: Item
    found: Scored | AvtoolError
    kept: bool = False

    @property
    def error(self) -> AvtoolError | None:
        """The reason, when it failed."""
        return self.found if isinstance(self.found, AvtoolError) else None

    def outcome(self, outputs: OutputSpec) -> FileOutcome:
        """The same in a line; of labels with parts, the first part's class."""
        if isinstance(self.found, AvtoolError):
            return FileOutcome(self.item.name, "failed", error=self.found)
        probabilities = self.found.probabilities[: outputs.sizes[0]]
        best = probabilities.index(max(probabilities))
        return FileOutcome(
            self.item.name,
            "kept" if self.kept else "predicted",
            outputs.labels[best],
            round(probabilities[best], 4),
            len(self.found.events),
            self.found.seconds,
        )


@dataclass(frozen=True)
class _Task:
    """Some files for a worker process, by their places in the list, and the model that it loads."""

    places: list[int]
    items: list[Item]
    model: Path
    recipe: PredictRecipe


def load_predictor(model: Path, recipe: PredictRecipe, reporter: Reporter) -> "Predictor":
    """The predictor of a recipe, with its frame features.

    Raises:
        AvtoolError: the model cannot be used, or is no classifier.
    """
    from avtool.inference.predictor import Predictor

    predictor = Predictor(model, recipe.runtime, reporter).only(recipe.modality).with_crops(recipe.crops)
    if recipe.phrases:
        predictor = predictor.with_phrases(recipe.phrases)
    if recipe.class_map:
        predictor = predictor.with_class_map(recipe.class_map)
    reporter.detail(f"{len(predictor.outputs.labels)} classes")
    return predictor.with_features(recipe.frame_features) if recipe.frame_features else predictor


def score_all(
    items: Sequence[Item],
    parts: Path,
    predictor: "Predictor",
    recipe: PredictRecipe,
    reporter: Reporter,
    *,
    jobs: int,
    fail_fast: bool,
) -> list[FileScore]:
    """Scores the files as `score_files` does, in their order; carries on past files that fail.

    Raises:
        AvtoolError: the only file failed, or the first one under `fail_fast`; all files failed; the disk is
            full, or a library is missing.
    """
    scores = score_files(items, parts, predictor, recipe, reporter, jobs)
    fail_fast |= len(items) == 1
    found = gather(
        scores, len(items), _WORDING, reporter, fail_fast=fail_fast, name=lambda one: one.item.name
    )
    return [found[item.name] for item in items]


def score_files(
    items: Sequence[Item],
    parts: Path,
    predictor: "Predictor",
    recipe: PredictRecipe,
    reporter: Reporter,
    jobs: int,
) -> Iterator[FileScore]:
    """Scores the files, in the order in which they finish, and writes each score to a file of its own.

    Args:
        items: the files.
        parts: the folder of scores.
        predictor: the model; worker processes load it from its path.
        recipe: the settings.
        reporter: gets warnings of damage.
        jobs: processes; -1 for one a processor.
    """
    check_jobs(jobs)
    todo = []
    for place, item in enumerate(items):
        found = _kept(parts / f"{item.stem}.json", item)
        if found is None:
            todo.append(place)
        else:
            yield FileScore(item, found, kept=True)
    results: Iterator[tuple[int, Scored | AvtoolError]]
    if is_serial(jobs, len(todo)):
        results = ((place, _attempt(items[place], predictor, recipe, reporter)) for place in todo)
    else:
        results = _apart(items, todo, predictor.path, recipe, reporter, jobs)
    for place, result in results:
        path = parts / f"{items[place].stem}.json"
        if isinstance(result, Scored):
            write_json(path, asdict(result))
        else:
            path.unlink(missing_ok=True)
        yield FileScore(items[place], result)


def _kept(path: Path, item: Item) -> Scored | None:
    """The earlier result, if the file has not changed since."""
    if not path.is_file():
        return None
    values = read_json(path)
    if values.get("state") != json.loads(json.dumps(item.state())):
        return None
    return Scored(**{**values, "events": [Event(**event) for event in values["events"]]})


def _attempt(
    item: Item, predictor: "Predictor", recipe: PredictRecipe, reporter: Reporter
) -> Scored | AvtoolError:
    try:
        return score_file(item, predictor, recipe, reporter)
    except AvtoolError as error:
        return error


def _apart(
    items: Sequence[Item],
    todo: Sequence[int],
    model: Path,
    recipe: PredictRecipe,
    reporter: Reporter,
    jobs: int,
) -> Iterator[tuple[int, Scored | AvtoolError]]:
    """Scores in worker processes, each of which loads the model once."""
    size = max(1, min(_AT_A_TIME, len(todo) // 64))  # a few long films are not to wait for one another
    tasks = []
    for first in range(0, len(todo), size):
        places = list(todo[first : first + size])
        tasks.append(_Task(places, [light(items[place]) for place in places], model, recipe))
    for results in map_blocks(_score_task, tasks, _singles, jobs=jobs, lost=_lost):
        for place, result, recorded in results:
            recorded.replay(reporter)
            yield place, result


def _singles(task: _Task) -> list[_Task]:
    """A task for each of the files of one."""
    pairs = zip(task.places, task.items, strict=True)
    return [replace(task, places=[place], items=[item]) for place, item in pairs]


def _lost(task: _Task, error: AvtoolError) -> list[tuple[int, Scored | AvtoolError, Recorder]]:
    """The outcome of files that no worker process survived."""
    return [(place, error, Recorder()) for place in task.places]


def _score_task(task: _Task) -> list[tuple[int, Scored | AvtoolError, Recorder]]:
    """Scores some files; runs in a worker process."""
    predictor = _loaded(task.model, task.recipe)
    results = []
    for place, item in zip(task.places, task.items, strict=True):
        recorder = Recorder()
        results.append((place, _attempt(item, predictor, task.recipe, recorder), recorder))
    return results


@lru_cache(maxsize=1)
def _loaded(model: Path, recipe: PredictRecipe) -> "Predictor":
    return load_predictor(model, recipe, Silent())
