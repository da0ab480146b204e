"""The phrase book: from the labels of a model to SDH phrases, and which labels are speech, music or alike."""

import csv
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast, get_args

from avtool.core.errors import BadInputError

SoundKind = Literal[
    "event", "vocal", "crowd", "sustained", "generic", "speech", "singing", "music", "noise", "never"
]
"""What a class is to a caption: an `event`; a `vocal` one, which speech may explain; a `crowd` of people; a
`sustained` sound; a `generic` class, which only stands for more definite ones; `speech`, which gets no cue;
`singing`; `music`; `noise` of the recording, which gets none either; or no sound of a film (`never`)."""

GROUPS = ("impact", "friction")
"""Parents that are no classes: groups of classes that are easily taken for one another."""
_COARSE = ("animal", *GROUPS)
"""Last ancestors whose phrase is true where it is not sure which animal, or which impact, it is."""
_TABLES = ("audioset", "sams", "others", "groups")
_LANGUAGE = re.compile("[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class SoundClass:
    """A class of sounds.

    Attributes:
        label: the model's name of it.
        name: the plain label, which is the same whatever the spelling.
        phrase: what a caption shows, without brackets; empty where there is none.
        kind: what it is to a caption.
        parent: the plain label of the class that it is a kind of, or of its group; empty for none.
        ancestors: parent, grandparent, …, whether the model has them or not.
        family: the plain label that alike classes share: of a group (`impact`), or of a definite parent.
        coarse: the phrase where the class is not sure, such as that of any animal; empty for its own.
    """

    label: str
    name: str
    phrase: str
    kind: SoundKind = "event"
    parent: str = ""
    ancestors: tuple[str, ...] = ()
    family: str = ""
    coarse: str = ""

    def is_alike(self, other: "SoundClass") -> bool:
        """Whether both may stand for one sound: one is a kind of the other, or they are of one family."""
        return (
            self.name == other.name
            or self.phrase == other.phrase
            or self.name in other.ancestors
            or other.name in self.ancestors
            or bool(self.family and self.family == other.family)
        )


@dataclass(frozen=True)
class PhraseBook:
    """Tables of classes by their plain labels, and the user's own, which goes before them."""

    tables: Sequence[Mapping[str, SoundClass]]
    own: Mapping[str, SoundClass]

    def classes(self, labels: Sequence[str]) -> tuple[SoundClass, ...]:
        """The class of each label, of the table that has most of them; an unknown label is its own phrase."""
        names = [plain_label(label) for label in labels]
        by_cover = sorted(self.tables, key=lambda table: -sum(name in table for name in names))
        known = ChainMap(*(dict(table) for table in (self.own, *by_cover)))
        return tuple(
            _placed(replace(known.get(name, SoundClass(label, name, name)), label=label), known)
            for label, name in zip(labels, names, strict=True)
        )


def _placed(sound: SoundClass, known: Mapping[str, SoundClass]) -> SoundClass:
    """A class with its ancestors and its family."""
    ancestors: list[str] = []
    above: SoundClass | None = sound
    while above is not None and above.parent and above.parent not in ancestors:
        ancestors.append(above.parent)
        above = known.get(above.parent)
    family = ancestors[-1] if ancestors and ancestors[-1] in GROUPS else sound.parent
    if family in known and known[family].kind == "generic":
        family = ""
    last = ancestors[-1] if ancestors else ""
    coarse = known[last].phrase if last in _COARSE and last in known else ""
    return replace(sound, ancestors=tuple(ancestors), family=family, coarse=coarse)


def read_phrases(language: str = "en", own: Path | None = None) -> PhraseBook:
    """The phrase book of a language.

    Args:
        language: ISO 639 code.
        own: a CSV file with the columns `label` and `phrase`, and perhaps `kind` and `parent`: for other
            labels, other wordings, or another language.

    Raises:
        BadInputError: there are no phrases in the language, or the file is no such table.
    """
    files = [Path(__file__).with_name(f"{name}.csv") for name in _TABLES]
    known = _languages(files[0])
    if language not in known and own is None:
        message = f"no phrases in the language `{language}`"
        hint = f"there are {', '.join(known)}; give others with --phrases FILE (columns label, phrase)"
        raise BadInputError(message, hint)
    column = language if language in known else known[0]
    return PhraseBook([_read(file, column) for file in files], _read(own, "phrase") if own else {})


def _languages(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as stream:
        return [name for name in next(csv.reader(stream)) if _LANGUAGE.fullmatch(name)]


def _read(file: Path, column: str) -> dict[str, SoundClass]:
    return {one.name: one for one in _rows(file, column)}


def _rows(file: Path, column: str) -> Iterator[SoundClass]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if missing := {"label", column} - set(reader.fieldnames or ()):
                message = f"`{file}` has no column `{sorted(missing)[0]}`"
                raise BadInputError(message, f"write a CSV table with the columns label and {column}")
            for row in reader:
                kind = row.get("kind") or "event"
                if kind not in get_args(SoundKind):
                    message = f"`{file}`, line {reader.line_num}: `{kind:.60}` is no kind of class"
                    raise BadInputError(message, f"write one of {', '.join(get_args(SoundKind))}")
                phrase = " ".join((row[column] or "").split())
                label, parent = row["label"], plain_label(row.get("parent") or "")
                yield SoundClass(label, plain_label(label), phrase, cast(SoundKind, kind), parent)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no CSV file in UTF-8"
        raise BadInputError(f"cannot read the phrases `{file}`: {reason}") from error


def plain_label(label: str) -> str:
    """A label without the spelling of its dataset: `Walk_and_footsteps` is `Walk, footsteps`."""
    return " ".join(label.replace(",", " and ").replace("_", " ").replace("-", " ").casefold().split())
