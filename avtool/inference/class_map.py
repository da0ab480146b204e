"""Class maps: the classes that are wanted, each with the classes of a model that stand for it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.recipe import read_recipe_file
from avtool.core.registry import nearest_hint
from avtool.inference.outputs import OutputSpec

ClassMap = Mapping[str, tuple[str, ...]]
"""Class → the model's classes."""


def read_class_map(path: Path) -> ClassMap:
    """Reads a TOML file of lines such as `dog = ["Dog", "Bark"]` or `rain = "Rain"`.

    Raises:
        BadInputError: it is no TOML, or a value is neither a class nor a list of some.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, value in read_recipe_file(path).items():
        members = [value] if isinstance(value, str) else value
        if not (isinstance(members, list) and members and all(isinstance(one, str) for one in members)):
            message = f"`{path}`: `{name}` is mapped to no class of the model"
            raise BadInputError(message, f'write `{name} = ["A class", "Another"]`')
        found[name] = tuple(dict.fromkeys(members))
    if not found:
        raise BadInputError(f"the class map `{path}` is empty", 'write lines such as `dog = ["Dog", "Bark"]`')
    return found


def map_outputs(outputs: OutputSpec, classes: ClassMap, path: Path) -> OutputSpec:
    """The outputs of a model for the classes of a map.

    Args:
        outputs: of the model.
        classes: the map.
        path: its file, for messages.

    Raises:
        BadInputError: it names a class that the model has not, or the model has several sets of classes.
    """
    if len(outputs.sizes) > 1:
        message = f"`{path}` maps one set of classes, and the model has {len(outputs.sizes)}"
        raise BadInputError(message, "predict without --class-map")
    numbers = {label: number for number, label in enumerate(outputs.labels)}
    for name, members in classes.items():
        if unknown := [member for member in members if member not in numbers]:
            hint = nearest_hint(unknown[0], list(numbers), "its `preprocess.json`")
            raise BadInputError(f"`{path}`: the model has no class `{unknown[0]}` for `{name}`", hint)
    places = tuple(tuple(numbers[member] for member in members) for members in classes.values())
    return replace(outputs, labels=tuple(classes), sizes=(len(classes),), members=places)
