"""Shell completion of names: models, recipes and their keys, benchmarks, tasks; nothing here loads torch."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from avtool.core import paths
from avtool.core.recipe import Recipe, iter_keys

Completer = Callable[[str], list[str]]
"""The names that begin like what is typed."""


def complete_models(incomplete: str) -> list[str]:
    """Registered architectures."""
    from avtool.models.registry import MODELS

    return _beginning(MODELS.names(), incomplete)


def complete_benchmarks(incomplete: str) -> list[str]:
    """Benchmarks, and TOML files of one's own."""
    from avtool.benchmarks import BENCHMARKS

    return [*_beginning(BENCHMARKS.names(), incomplete), *_tables(incomplete)]


def complete_recipes(incomplete: str) -> list[str]:
    """Shipped recipes, and TOML files of one's own."""
    return [*_beginning(paths.list_recipes(), incomplete), *_tables(incomplete)]


def recipes_of(verb: str) -> Completer:
    """Shipped recipes of a verb, which are in a folder of its name; all where it has none."""

    def complete(incomplete: str) -> list[str]:
        own = [name for name in paths.list_recipes() if name.startswith(f"{verb}/")]
        return [*_beginning(own or paths.list_recipes(), incomplete), *_tables(incomplete)]

    return complete


def keys_of(schema: type[Recipe]) -> Completer:
    """The keys of a recipe, each with the sign that its value follows."""

    def complete(incomplete: str) -> list[str]:
        return _beginning((f"{key}=" for key, _ in iter_keys(schema)), incomplete)

    return complete


COMPLETED_KEYS: Mapping[str, Completer] = {"model.name": complete_models}
"""Completion of flags that set a recipe's key."""


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


def _tables(incomplete: str) -> list[str]:
    """Folders and TOML files whose path begins so."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    try:
        found = sorted(path for path in folder.iterdir() if str(path).startswith(incomplete))
    except OSError:
        return []
    return [
        f"{path}/" if path.is_dir() else str(path)
        for path in found
        if path.suffix == ".toml" or (path.is_dir() and incomplete and not path.name.startswith("."))
    ]
