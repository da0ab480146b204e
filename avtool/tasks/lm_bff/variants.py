"""The variants of a grid: each seed with each template or assignment of label words, and the classifier."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from avtool.core.errors import BadInputError
from avtool.data.few_shot.template import read_templates
from avtool.tasks.lm_bff.recipe import GridRecipe, LmBffRecipe
from avtool.tasks.lm_bff.task import LmBffTask

Head = Literal["words", "classifier"]


@dataclass(frozen=True)
class GridRun:
    """One training of a grid: a row of `runs.csv`; `test` is empty where it was not chosen."""

    seed: int
    head: Head
    template: str
    words: str
    lr: float
    batch_size: int
    best_step: int
    dev: float
    test: float | None = None
    chosen: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Unit:
    """The trainings of one seed, head and template, of which one is chosen."""

    seed: int
    head: Head
    template: str | None
    words: dict[str, list[str]]
    name: str


def grid_units(recipe: GridRecipe) -> Iterator[Unit]:
    """The units of a grid, seed by seed.

    Raises:
        BadInputError: the file of templates or of label words cannot be read.
    """
    settings = recipe.grid
    if settings.templates is not None and settings.words is not None:
        raise BadInputError("a grid has templates or label words", "give --templates or --words")
    variants: list[tuple[str | None, dict[str, list[str]]]] = [(None, {})]
    if settings.templates is not None:
        variants = [(template, {}) for template in read_templates(_lines(settings.templates), settings.top)]
    elif settings.words is not None:
        variants = [(None, words) for words in _read_words(settings.words, settings.top)]
    for seed in settings.seeds:
        for number, (template, words) in enumerate(variants):
            yield Unit(seed, "words", template, words, f"{seed}-words-{number}")
        if settings.classifier:
            yield Unit(seed, "classifier", None, {}, f"{seed}-classifier")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot read `{path}` ({error})", "give a file of a search") from error


def _read_words(path: Path, top: int) -> list[dict[str, list[str]]]:
    """The first assignments of a file of `label-search`."""
    wanted = TypeAdapter(dict[str, list[str]])
    found = []
    for number, line in enumerate(_lines(path)[:top], start=1):
        try:
            found.append(wanted.validate_python(json.loads(line)["words"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadInputError(
                f"`{path}` line {number} holds no label words", "`label-search` writes them"
            ) from error
    if not found:
        raise BadInputError(f"`{path}` is empty", "`label-search` writes label words")
    return found


def _data_of(recipe: LmBffRecipe, unit: Unit) -> Any:
    changes: dict[str, Any] = {"template": unit.template or recipe.data.template}
    if unit.words:
        changes["words"] = {label: tuple(names) for label, names in unit.words.items()}
    return recipe.data.model_copy(update=changes)


def variant_of(task: LmBffTask, unit: Unit, lr: float, batch_size: int) -> LmBffTask:
    """The task of one training of a unit."""
    recipe = task.recipe
    updates: dict[str, Any] = {
        "optimizer": recipe.optimizer.model_copy(update={"lr": lr}),
        "loop": recipe.loop.model_copy(update={"batch_size": batch_size}),
        "model": recipe.model.model_copy(update={"head": unit.head}),
        "data": _data_of(recipe, unit),
    }
    if unit.head == "classifier":
        updates["data"] = recipe.data.model_copy(update={"template": None})
        updates["demos"] = recipe.demos.model_copy(update={"mode": "none"})
    return replace(task, recipe=recipe.model_copy(update=updates), given=task.examples, scored=False)
