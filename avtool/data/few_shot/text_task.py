"""Text tasks: the columns of their examples, their classes with label words, template and metric."""

import tomllib
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, option, read_recipe_file, validate
from avtool.core.registry import nearest_hint

MetricName = Literal["accuracy", "macro-f1", "f1", "matthews", "pearson"]


def _as_lists(words: Any) -> Any:
    if not isinstance(words, dict):
        return words
    return {label: (word,) if isinstance(word, str) else word for label, word in words.items()}


class TextTask(Recipe):
    """A text task: a table of `tasks.toml`, or a TOML file of the user's."""

    title: str = Field(description="Its name for people.", min_length=1)
    texts: tuple[str, ...] = option(
        ("text",), "Columns of one or two texts: names, or numbers from 0.", min_length=1, max_length=2
    )
    label: str = option("label", "Column of the label.")
    group: str = option("", "Column of groups that a grouped split keeps apart.")
    words: Annotated[dict[str, tuple[str, ...]], BeforeValidator(_as_lists)] = Field(
        description="Label words of each class, in order; of a regression those of its low and its high end.",
        min_length=2,
    )
    bounds: tuple[float, float] | None = option(None, "Lowest and highest value of a regression.")
    template: str = Field(description="Template of the prompt.", min_length=1)
    metric: MetricName = option("accuracy", "What selects the best checkpoint.")
    max_tokens: int = option(128, "Tokens of a prompt.", ge=8, le=8192)
    demo_max_tokens: int | None = option(
        None, "Tokens of a prompt with demonstrations.  [default: max_tokens]", ge=8, le=8192
    )
    first_limit: int | None = option(None, "Tokens of the first text.", ge=1)
    other_limit: int | None = option(None, "Tokens of every other text, in demonstrations too.", ge=1)
    demo_sets: int = option(16, "Sets of demonstrations whose logits are averaged.", ge=1, le=256)

    @model_validator(mode="after")
    def _check(self) -> "TextTask":
        if self.bounds and not (self.bounds[0] < self.bounds[1] and len(self.words) == 2):
            raise ValueError("bounds rise, and have two label words: of the low end, and of the high end")
        if bool(self.bounds) != (self.metric == "pearson"):
            raise ValueError("metric = pearson goes with bounds, and the others with classes")
        for label, names in self.words.items():
            if not names or not all(name.strip() for name in names):
                raise ValueError(f"class `{label}` has no label word")
        return self

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes in order."""
        return tuple(self.words)

    @cached_property
    def index(self) -> dict[str, int]:
        """Class → its number."""
        return {label: number for number, label in enumerate(self.words)}

    def target(self, label: str) -> float:
        """A label as a number: of a class its place, of a regression its value.

        Raises:
            ValueError: it is no class, no number, or out of bounds.
        """
        if self.bounds is None:
            if label not in self.index:
                raise ValueError(f"`{label}` is no class of the task ({', '.join(self.words)})")
            return float(self.index[label])
        value = float(label)
        if not self.bounds[0] <= value <= self.bounds[1]:
            raise ValueError(f"{label} is not in {self.bounds[0]:g} to {self.bounds[1]:g}")
        return value

    def class_of(self, target: float) -> int:
        """The class of a target; of a regression the half of the range that it is in."""
        if self.bounds is None:
            return int(target)
        return int(target >= sum(self.bounds) / 2)

    @property
    def classifier_template(self) -> str:
        """The template of a classifier over CLS: the texts, each with its end."""
        return "*cls*" + "".join(f"*sent_{number}**sep+*" for number in range(len(self.texts)))


@cache
def known_tasks() -> dict[str, TextTask]:
    """The tasks that ship with avtool, by name."""
    text = resources.files("avtool.data.few_shot").joinpath("tasks.toml").read_text(encoding="utf-8")
    return {name: validate(TextTask, values, origin=name) for name, values in tomllib.loads(text).items()}


def find_task(name: str) -> TextTask:
    """A task by its name, or of a TOML file.

    Raises:
        BadInputError: there is none, or a key of the file is wrong.
    """
    if name.endswith(".toml"):
        return validate(TextTask, read_recipe_file(Path(name)), origin=name)
    tasks = known_tasks()
    if name not in tasks:
        message = f"no text task is called `{name}`" if name else "no text task given"
        hint = nearest_hint(name, list(tasks), "avtool prompt-tune tasks")
        raise BadInputError(message, f"{hint}; your own is a TOML file: --task mine.toml")
    return tasks[name]
