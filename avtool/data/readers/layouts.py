"""The registry of layouts that `avtool prepare` reads, and their recognition.

A reader's module registers itself with the decorator `reads`; other packages add theirs by the entry-point
group `avtool.readers`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.registry import Registry
from avtool.data.readers.source import ReadOptions, Source

Read = Callable[[Path, ReadOptions], Source]

AUTO = "auto"
"""The name that stands for the layout of which a source is recognised to be."""


@dataclass(frozen=True)
class Reader:
    """A reader of a layout.

    Attributes:
        summary: a noun phrase for listings.
        recognises: whether a file or folder has the layout.
        read: reads what it lists.
        generic: its layout is common to many datasets, so that all others are tried first.
    """

    summary: str
    recognises: Callable[[Path], bool]
    read: Read
    generic: bool = False


READERS: Registry[Reader] = Registry(
    "layout", "avtool prepare --help", group="avtool.readers", accepts=lambda entry: isinstance(entry, Reader)
)
READERS.live_in("avtool.data.readers")


def reads(
    name: str, summary: str, recognises: Callable[[Path], bool], *, generic: bool = False
) -> Callable[[Read], Read]:
    """Registers a function as the reader of a layout; see `Reader`."""

    def decorate(read: Read) -> Read:
        READERS.add(name, Reader(summary, recognises, read, generic))
        return read

    return decorate


def detect_layout(path: Path) -> str:
    """The layout of a file or folder, by its content.

    Raises:
        BadInputError: there is nothing there, or nothing that is known.
    """
    if not path.exists():
        raise BadInputError(
            f"`{path}` does not exist", "give a folder of media, a table, or a dataset's lists"
        )
    for name, reader in sorted(READERS.items(), key=lambda item: (item[1].generic, item[0])):
        if reader.recognises(path):
            return name
    known = ", ".join(sorted(READERS.names()))
    raise BadInputError(f"`{path}` has no layout that avtool reads", f"name it with --layout: {known}")


def read_source(path: Path, layout: str = AUTO, options: ReadOptions | None = None) -> Source:
    """Reads what a dataset lists, without looking for its media.

    Raises:
        BadInputError: it cannot be read; the message names the file and the line.
    """
    if layout != AUTO and not path.exists():
        raise BadInputError(f"`{path}` does not exist", "check the name and the folder")
    name = detect_layout(path) if layout == AUTO else layout
    return READERS.find(name).read(path, options or ReadOptions())
