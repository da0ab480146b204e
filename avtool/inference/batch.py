"""Scores many files, here or in several processes; what an earlier run found of a file is kept."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.errors import AvtoolError
from avtool.core.files import read_json, write_json
from avtool.core.parallel import map_unordered
from avtool.core.reporter import Recorder, Reporter, Silent
from avtool.inference.events import Event
from avtool.inference.predict_recipe import PredictRecipe
from avtool.inference.score import Scored, score_file
from avtool.inference.sources import Item

if TYPE_CHECKING:
    from avtool.inference.classifier import Classifier

_AT_A_TIME = 16
"""Files that a process scores before it reports, where there are many."""


@dataclass(frozen=True)
class FileScore:
    """How one file ended: its score, or what went wrong; and whether an earlier run had found it."""

    item: Item
    found: Scored | AvtoolError
    kept: bool = False


@dataclass(frozen=True)
class _Task:
    """Some files for a worker process, by their places in the list, and the model that it loads."""

    places: list[int]
    items: list[Item]
    model: Path
    recipe: PredictRecipe


def score_files(
    items: Sequence[Item],
    parts: Path,
    model: Path,
    classifier: "Classifier",
    recipe: PredictRecipe,
    reporter: Reporter,
    jobs: int,
) -> Iterator[FileScore]:
    """Scores the files, in the order in which they finish, and keeps each score in a file of its own.

    Args:
        items: the files.
        parts: the folder of scores.
        model: where the classifier comes from.
        classifier: used here, where one process does.
        recipe: the settings.
        reporter: told of damage.
        jobs: processes; -1 for one a processor.
    """
    todo = []
    for place, item in enumerate(items):
        found = _kept(parts / f"{item.stem}.json", item)
        if found is None:
            todo.append(place)
        else:
            yield FileScore(item, found, kept=True)
    results: Iterator[tuple[int, Scored | AvtoolError]]
    if jobs == 1 or len(todo) == 1:
        results = ((place, _attempt(items[place], classifier, recipe, reporter)) for place in todo)
    else:
        results = _apart(items, todo, model, recipe, reporter, jobs)
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
    item: Item, classifier: "Classifier", recipe: PredictRecipe, reporter: Reporter
) -> Scored | AvtoolError:
    try:
        return score_file(item, classifier, recipe, reporter)
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
        tasks.append(_Task(places, [_light(items[place]) for place in places], model, recipe))
    for results in map_unordered(_score_task, tasks, jobs=jobs):
        for place, result, told in results:
            told.replay(reporter)
            yield place, result


def _light(item: Item) -> Item:
    """Without the rows of the data set: to find a clip's files it needs to know its folder alone."""
    return replace(item, manifest=item.manifest[:0]) if item.manifest is not None else item


def _score_task(task: _Task) -> list[tuple[int, Scored | AvtoolError, Recorder]]:
    """Scores some files; runs in a worker process."""
    classifier = _classifier(task.model, task.recipe)
    results = []
    for place, item in zip(task.places, task.items, strict=True):
        told = Recorder()
        results.append((place, _attempt(item, classifier, task.recipe, told), told))
    return results


@lru_cache(maxsize=1)
def _classifier(model: Path, recipe: PredictRecipe) -> "Classifier":
    from avtool.inference.classifier import Classifier

    return Classifier(model, recipe, Silent())
