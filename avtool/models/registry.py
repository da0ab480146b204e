"""The registry of model builders: a name on the command line, in a recipe and in `config.json`.

A family's module registers its builders by decorating functions; `create` imports the families on use.
"""

import importlib
import pkgutil
from collections.abc import Callable
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, TypeVar

from avtool.core.errors import BadInputError
from avtool.core.registry import nearest_hint

if TYPE_CHECKING:
    from torch import nn

Builder = TypeVar("Builder", bound=Callable[..., "nn.Module"])
_builders: dict[str, Callable[..., "nn.Module"]] = {}


def register(name: str) -> Callable[[Builder], Builder]:
    """Registers a builder `(**overrides) -> nn.Module` under `name`.

    Every family registers a `_tiny` size too (at most 1 M parameters): tests that loop over models use it.
    """

    def decorate(builder: Builder) -> Builder:
        assert name not in _builders, f"two builders are called {name}"
        _builders[name] = builder
        return builder

    return decorate


def _import_families() -> None:
    package = importlib.import_module("avtool.models")
    for module in pkgutil.walk_packages(package.__path__, "avtool.models."):
        importlib.import_module(module.name)


def list_models(pattern: str = "*") -> list[str]:
    """The registered names that match a shell pattern, sorted. Imports every family, and so torch."""
    _import_families()
    return sorted(name for name in _builders if fnmatch(name, pattern))


def create(name: str, **overrides: Any) -> "nn.Module":
    """Builds a registered model.

    Raises:
        BadInputError: no builder has this name; the message offers the nearest ones.
    """
    if name not in _builders:
        _import_families()
    if name not in _builders:
        raise BadInputError(
            f"no model is called `{name}`", nearest_hint(name, list(_builders), "avtool models list")
        )
    return _builders[name](**overrides)
