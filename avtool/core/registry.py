"""Registries: named entries of one kind that register themselves, in avtool and in other packages.

A registry loads its entries on first use from a home package, whose modules it imports, and from an
entry-point group through which an installed package adds its own. Nothing is imported before a name is looked
up, so that help pages and listings stay fast.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from rapidfuzz import process

from avtool.core.errors import BadInputError, MissingError

Entry = TypeVar("Entry")
_CLOSE = 60
"""Similarity in %, from which a name is offered for a mistyped one."""


class Registry(Generic[Entry]):
    """Entries by name, in the order of registration.

    An entry point of `group` names a module that registers entries when it is imported; the entry point is
    called as its entries are, or as their names begin. One that cannot be imported never breaks a listing.

    Args:
        noun: what an entry is, for messages: `benchmark`.
        listing: the command that lists all names.
        group: the entry-point group of other packages, such as `avtool.benchmarks`.
        accepts: whether an object can be an entry; one of another kind would break every listing.
    """

    def __init__(
        self,
        noun: str,
        listing: str,
        *,
        group: str = "",
        accepts: Callable[[object], bool] = lambda entry: True,  # noqa: ARG005
    ) -> None:
        self.noun = noun
        self.listing = listing
        self.group = group
        self._accepts = accepts
        self._broken: dict[str, str] = {}
        self._entries: dict[str, Entry] = {}
        self._prefixes: dict[str, Callable[[str], Entry]] = {}
        self._homes: list[tuple[str, str]] = []
        self._loaded = False

    def live_in(self, package: str, leaf: str = "") -> None:
        """Declares a home package: its modules, or the module `leaf` of each of its folders, are imported."""
        self._homes.append((package, leaf))
        self._loaded = False

    def add(self, name: str, entry: Entry) -> None:
        """Registers an entry.

        Raises:
            ValueError: the name is taken.
            TypeError: the entry is of another kind.
        """
        if not self._accepts(entry):
            raise TypeError(f"`{name}` is registered as a {self.noun} and is none: {entry!r:.80}")
        if name in self._entries:
            raise ValueError(f"two {self.noun}s are called `{name}`")
        self._entries[name] = entry

    def add_prefix(self, prefix: str, make: Callable[[str], Entry]) -> None:
        """Makes entries of names that begin with `prefix:` when they are looked up; listings omit them.

        Args:
            prefix: without the colon.
            make: gives the entry of what follows the colon, or raises a `BadInputError`.
        """
        self._prefixes[prefix] = make

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """The decorator form of `add`."""

        def decorate(entry: Entry) -> Entry:
            self.add(name, entry)
            return entry

        return decorate

    def names(self, pattern: str = "*") -> list[str]:
        """The registered names that match a shell pattern, in the order of registration."""
        self._load()
        return [name for name in self._entries if fnmatchcase(name, pattern)]

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Names and entries, in the order of registration."""
        self._load()
        yield from self._entries.items()

    def broken(self) -> dict[str, str]:
        """The entry points of other packages that cannot be imported: name → reason."""
        self._load()
        return dict(self._broken)

    def find(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            BadInputError: nothing has this name; the message offers the nearest ones.
            MissingError: a package promised it by an entry point and cannot be imported.
        """
        if name not in self._entries:
            self._load()
        if name in self._entries:
            return self._entries[name]
        prefix, mark, rest = name.partition(":")
        if mark and prefix in self._prefixes:
            return self._prefixes[prefix](rest)
        for point, reason in self._broken.items():
            if name.startswith(point):
                message = f"the {self.noun} `{name}` cannot be loaded: {reason}"
                raise MissingError(message, "reinstall its package; `avtool doctor` lists such packages")
        hint = nearest_hint(name, list(self._entries), self.listing)
        raise BadInputError(f"no {self.noun} is called `{name}`", hint)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True  # first: a module that is being imported may look names up
        try:
            for package, leaf in self._homes:
                _import_home(package, leaf)
        except BaseException:
            self._loaded = False
            raise
        for point in entry_points(group=self.group) if self.group else ():
            self._load_point(point)

    def _load_point(self, point: EntryPoint) -> None:
        """Imports a module of another package; a broken one costs its own names alone."""
        before = dict(self._entries)
        try:
            point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - of another package: our listing continues
            self._entries = before  # never half of a package
            reason = " ".join(str(error).split())[:200]
            self._broken[point.name] = f"`{point.value}`: {type(error).__name__}: {reason}"


def _import_home(package: str, leaf: str) -> None:
    """Imports the modules of a package, or those called `leaf` in its folders."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        if not leaf:
            importlib.import_module(module.name)
        elif module.ispkg:
            folder = importlib.import_module(module.name)
            if any(inner.name == leaf for inner in pkgutil.iter_modules(folder.__path__)):
                importlib.import_module(f"{module.name}.{leaf}")


def nearest_hint(name: str, known: list[str], listing: str) -> str:
    """A hint "did you mean …" for a mistyped name, or how to list what there is."""
    close = [match for match, score, _ in process.extract(name, known, limit=3) if score >= _CLOSE]
    if not close:
        return f"`{listing}` shows them all"
    return f"did you mean {' or '.join(f'`{match}`' for match in close)}?"
