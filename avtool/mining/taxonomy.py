"""The class lists of a dataset: labels counted, ordered, limited, and mapped by a file of the user's."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.files import write_csv
from avtool.mining.events import Event

MAX_BYTES = 10_000_000  # a taxonomy is a list of words; anything larger is another kind of file
_HINT = "give a CSV with a column `label`, and a column `class` where labels are renamed (empty drops one)"


@dataclass(frozen=True, slots=True)
class ClassCount:
    """One class: its place in the list, its label, and how many events have it."""

    index: int
    label: str
    count: int


@dataclass(frozen=True)
class Taxonomy:
    """The labels of a dataset by dimension, the most frequent first.

    Attributes:
        sounds, sources, qualities: each label with its number of uses; `sources` are the stated ones.
    """

    sounds: tuple[ClassCount, ...]
    sources: tuple[ClassCount, ...]
    qualities: tuple[ClassCount, ...]

    @classmethod
    def of(cls, events: Sequence[Event]) -> "Taxonomy":
        """Counts the labels of events."""
        return cls(
            sounds=count_labels(event.sounds for event in events),
            sources=count_labels(event.sources_stated for event in events),
            qualities=count_labels(event.qualities for event in events),
        )

    def write(self, folder: Path) -> None:
        """Writes `sounds.csv`, `sources.csv` and `qualities.csv` (index, label, count)."""
        write_class_csv(folder / "sounds.csv", self.sounds)
        write_class_csv(folder / "sources.csv", self.sources)
        write_class_csv(folder / "qualities.csv", self.qualities)


def count_labels(labels: Iterable[Iterable[str]]) -> tuple[ClassCount, ...]:
    """Counts labels, once for each event that has them; by count, then by label."""
    counts = Counter(label for of_event in labels for label in set(of_event))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ClassCount(index, label, count) for index, (label, count) in enumerate(ordered))


def choose_classes(
    counts: Sequence[ClassCount], classes: int | None = None, min_count: int | None = None
) -> tuple[str, ...]:
    """The labels that become classes: the `classes` most frequent, or those with `min_count` uses.

    With both, the count decides: a fixed number is only the default of the command.
    """
    if min_count is not None:
        return tuple(entry.label for entry in counts if entry.count >= min_count)
    return tuple(entry.label for entry in counts[:classes])


def write_class_csv(path: Path, counts: Sequence[ClassCount]) -> None:
    """Writes a class list with the columns index, label, count."""
    rows = ([entry.index, entry.label, entry.count] for entry in counts)
    write_csv(path, ["index", "label", "count"], rows)


@dataclass(frozen=True)
class LabelMap:
    """A user's taxonomy: which labels to keep, and under which name.

    Attributes:
        names: label → its class; a label that is not here, or has no class, is dropped.
    """

    names: Mapping[str, str]

    def __call__(self, labels: Iterable[str], *, keep: bool = False) -> tuple[str, ...]:
        """The classes of some labels, each once, in order; `keep` takes the name of a class as it is too."""
        classes = set(self.names.values()) if keep else set()
        found = (self.names.get(label, label if label in classes else "") for label in labels)
        return tuple(dict.fromkeys(name for name in found if name))


def read_label_map(path: Path) -> LabelMap:
    """Reads a taxonomy file: a CSV with `label` and, to rename labels, `class`; other columns are left alone.

    A class list that mining wrote is such a file, and limits the labels to its own.

    Raises:
        BadInputError: the file is missing, too large, not UTF-8, has no such column, or contradicts itself.
    """
    names: dict[str, str] = {}
    for number, row in enumerate(_rows(path), start=2):
        label = (row["label"] or "").strip().lower()
        name = (row.get("class", label) or "").strip().lower()
        if not label:
            continue
        if "," in label + name:
            raise BadInputError(f"`{path}` line {number}: a comma inside `{label}` or `{name}`", _HINT)
        if names.setdefault(label, name) != name:
            message = f"`{path}` line {number}: `{label}` is `{names[label]}` above and `{name}` here"
            raise BadInputError(message, "name each label once")
    if not any(names.values()):
        raise BadInputError(f"`{path}` names no label", _HINT)
    return LabelMap(names)


def _rows(path: Path) -> list[dict[str, str | None]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInputError(f"`{path}` is too large for a taxonomy", _HINT)
        text = path.read_text(encoding="utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        if "label" not in (reader.fieldnames or []):
            raise BadInputError(f"`{path}` has no column `label`", _HINT)
        return [dict(row) for row in reader]
    except OSError as error:
        raise BadInputError(f"cannot read `{path}`: {error.strerror}", _HINT) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"`{path}` is not a CSV file in UTF-8 ({error})", _HINT) from error
