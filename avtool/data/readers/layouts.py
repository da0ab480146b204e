"""The layouts that `avtool prepare` knows, and telling them apart."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from avtool.core.errors import BadInputError
from avtool.data.readers import (
    audioset,
    csv_table,
    epic_kitchens,
    esc50,
    folders,
    hmdb51,
    kinetics,
    mined,
    sams,
    ucf101,
    vggsound,
)
from avtool.data.readers.layout_names import Layout
from avtool.data.readers.source import ReadOptions, Source


class Reader(NamedTuple):
    """A layout: whether a path has it, and how to read it."""

    recognises: Callable[[Path], bool]
    read: Callable[[Path, ReadOptions], Source]


# In the order in which they are asked: what is common to many comes last.
READERS = {
    "dataset": Reader(mined.recognises, mined.read),
    "esc50": Reader(esc50.recognises, esc50.read),
    "ucf101": Reader(ucf101.recognises, ucf101.read),
    "hmdb51": Reader(hmdb51.recognises, hmdb51.read),
    "epic-kitchens": Reader(epic_kitchens.recognises, epic_kitchens.read),
    "audioset": Reader(audioset.recognises, audioset.read),
    "kinetics": Reader(kinetics.recognises, kinetics.read),
    "sams": Reader(sams.recognises, sams.read),
    "vggsound": Reader(vggsound.recognises, vggsound.read),
    "csv": Reader(csv_table.recognises, csv_table.read),
    "folders": Reader(folders.recognises, folders.read),
}


def detect_layout(path: Path) -> str:
    """The layout of a file or folder, by its content.

    Raises:
        BadInputError: there is nothing there, or nothing that is known.
    """
    if not path.exists():
        raise BadInputError(
            f"`{path}` does not exist", "give a folder of media, a table, or a data set's lists"
        )
    for name, reader in READERS.items():
        if reader.recognises(path):
            return name
    known = ", ".join(sorted(READERS))
    raise BadInputError(f"`{path}` has no layout that avtool knows", f"name it with --layout: {known}")


def read_source(path: Path, layout: Layout = "auto", options: ReadOptions | None = None) -> Source:
    """Reads what a data set lists, without looking for its media.

    Raises:
        BadInputError: it cannot be read; the message names the file and the line.
    """
    if layout != "auto" and not path.exists():
        raise BadInputError(f"`{path}` does not exist", "check the name and the folder")
    name = detect_layout(path) if layout == "auto" else layout
    return READERS[name].read(path, options or ReadOptions())
