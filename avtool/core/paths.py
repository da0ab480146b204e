"""Folders of this machine: caches, datasets, shipped recipes."""

import os
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.registry import nearest_hint


def cache_folder() -> Path:
    """Where avtool may keep what it can make again: `AVTOOL_CACHE_DIR`, or the user's cache folder."""
    if folder := os.environ.get("AVTOOL_CACHE_DIR"):
        return Path(folder)
    from platformdirs import user_cache_path

    return user_cache_path("avtool", appauthor=False)


def data_folder() -> Path:
    """Where benchmarks look for datasets: `AVTOOL_DATA`, or `data` in the user's data folder."""
    if folder := os.environ.get("AVTOOL_DATA"):
        return Path(folder)
    from platformdirs import user_data_path

    return user_data_path("avtool", appauthor=False) / "data"


def recipes_folder() -> Path:
    """The recipes that ship with avtool: inside an installed wheel, or at the top of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "_recipes"
    return installed if installed.is_dir() else package.parent / "recipes"


def list_recipes() -> list[str]:
    """The names of the shipped recipes, such as `mine-subtitles/default`, sorted."""
    folder = recipes_folder()
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.toml"))


def find_recipe(name: str) -> Path:
    """The file of a recipe given by path or by shipped name.

    Raises:
        BadInputError: there is none; the message offers the nearest names.
    """
    path = Path(name)
    if path.suffix == ".toml" and path.is_file():
        return path
    known = list_recipes()
    shipped = name.removesuffix(".toml")
    if shipped in known:
        return recipes_folder() / f"{shipped}.toml"
    raise BadInputError(f"no recipe is called `{name}`", nearest_hint(shipped, known, "avtool recipes list"))
