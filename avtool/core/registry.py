"""Registries: named entries of one kind that register themselves, in avtool and in other packages.

A registry is told where its entries live: a home package whose modules are imported on first use, and an
entry-point group through which an installed package adds its own. Nothing is imported before a name is asked
for, so that help pages and listings stay fast.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from rapidfuzz import process

from avtool.core.errors import BadInputError, MissingError

Entry = TypeVar("Entry")
_CLOSE = 60
"""Similarity in %, from which a name is offered for a mistyped one."""


class Registry(Generic[Entry]):
    """Entries by name, in the order of registration.

    Args:
        noun: what an entry is, for messages: `benchmark`.
        listing: the command that lists all names.
        group: the entry-point group of other packages, such as `avtool.benchmarks`.
    """

    def __init__(self, noun: str, listing: str, *, group: str = "") -> None:
        self.noun = noun
        self.listing = listing
        self.group = group
        self.broken: dict[str, str] = {}
        self._entries: dict[str, Entry] = {}
        self._homes: list[tuple[str, str]] = []
        self._loaded = False

    def live_in(self, package: str, leaf: str = "") -> None:
        """Declares a home package: its modules, or the module `leaf` of each of its folders, are imported."""
        self._homes.append((package, leaf))
        self._loaded = False

    def add(self, name: str, entry: Entry) -> None:
        """Registers an entry; a name is given once."""
        assert name not in self._entries, f"two {self.noun}s are called {name}"
        self._entries[name] = entry

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """The decorator form of `add`."""

        def decorate(entry: Entry) -> Entry:
            self.add(name, entry)
            return entry

        return decorate

    def names(self, pattern: str = "*") -> list[str]:
        """The registered names that match a shell pattern, in the order of registration."""
        self._load()
        return [name for name in self._entries if fnmatch(name, pattern)]

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Names and entries, in the order of registration."""
        self._load()
        yield from self._entries.items()

    def find(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            BadInputError: nothing has this name; the message offers the nearest ones.
            MissingError: a package promised it by an entry point and cannot be imported.
        """
        if name not in self._entries:
            self._load()
        if name not in self._entries:
            if reason := self.broken.get(name):
                raise MissingError(
                    f"the {self.noun} `{name}` cannot be loaded: {reason}", "reinstall its package"
                )
            hint = nearest_hint(name, list(self._entries), self.listing)
            raise BadInputError(f"no {self.noun} is called `{name}`", hint)
        return self._entries[name]

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for package, leaf in self._homes:
            path = importlib.import_module(package).__path__
            for module in pkgutil.iter_modules(path, f"{package}."):
                if not leaf:
                    importlib.import_module(module.name)
                elif module.ispkg:
                    _import_leaf(module.name, leaf)
        for point in entry_points(group=self.group) if self.group else ():
            self._load_point(point)

    def _load_point(self, point: EntryPoint) -> None:
        """Imports a module of another package; a broken one costs its own names alone."""
        try:
            point.load()
        except Exception as error:  # noqa: BLE001 - of another package: our listing goes on
            self.broken[point.name] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _import_leaf(package: str, leaf: str) -> None:
    """Imports a folder's module of the conventional name, where the folder has one."""
    names = {module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)}
    if leaf in names:
        importlib.import_module(f"{package}.{leaf}")


def nearest_hint(name: str, known: list[str], listing: str) -> str:
    """A hint "did you mean …" for a mistyped name, or how to list what there is."""
    close = [match for match, score, _ in process.extract(name, known, limit=3) if score >= _CLOSE]
    if not close:
        return f"`{listing}` shows them all"
    return f"did you mean {' or '.join(f'`{match}`' for match in close)}?"
