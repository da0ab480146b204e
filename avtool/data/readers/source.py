"""The result of every reader: the clips that a source lists, its class lists, and the lines it refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avtool.data.labels import LabelClass


@dataclass(frozen=True, slots=True)
class ListedClip:
    """A clip as its source lists it; where its file is, nobody has looked yet.

    Attributes:
        clip_id: unique in the source.
        media: its file as the source names it: with or without folder and suffix, absolute, or an address.
        start: in seconds.
        end: in seconds; None for the file's end.
        split, fold, labels, text, group, extras: as in `avtool.data.manifest.Clip`.
        where: the line or file that lists it, for messages.
    """

    clip_id: str
    media: str
    start: float = 0.0
    end: float | None = None
    split: str = ""
    fold: int | None = None
    labels: tuple[str, ...] = ()
    text: str = ""
    group: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line of a source that cannot be read: where it is, and why."""

    where: str
    reason: str


def _no_names(clip: ListedClip) -> tuple[str, ...]:  # noqa: ARG001
    return ()


@dataclass(frozen=True)
class Source:
    """A dataset as it is listed.

    Attributes:
        layout: the reader's name.
        clips: in the source's order.
        media: the folder to look for media in.
        inputs: the files that were read.
        classes: by name of the list ("classes", or "verbs" and "nouns") its classes in the dataset's own
            order; a list that is not given holds the labels that occur, by name.
        refused: lines that cannot be read.
        cut_names: names of a clip's file when it holds just the clip, the likeliest first. A file named as
            `ListedClip.media` may hold more.
        other_names: names beside `ListedClip.media`.
        fixed_length: whether a clip keeps its length where its file is shorter: silence follows.
        web: whether some media are always absent, because they were on the web once.
        notes: doubts that a user should look at, one line each.
    """

    layout: str
    clips: Sequence[ListedClip]
    media: Path
    inputs: tuple[Path, ...] = ()
    classes: Mapping[str, tuple[LabelClass, ...]] = field(default_factory=dict)
    refused: tuple[RefusedLine, ...] = ()
    cut_names: Callable[[ListedClip], tuple[str, ...]] = _no_names
    other_names: Callable[[ListedClip], tuple[str, ...]] = _no_names
    fixed_length: bool = False
    web: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadOptions:
    """A user's options for a reader.

    Attributes:
        official_split: which of a dataset's official splits fills `split` (UCF101 and HMDB51 have three).
        separator: between several labels in one cell of a CSV file.
    """

    official_split: int = 1
    separator: str = ";"
