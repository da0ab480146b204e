"""Class lists, and the labels of a manifest as numbers.

A dataset's class list is `labels/classes.csv` (index, label, …); one of verbs and nouns has
`labels/verbs.csv` and `labels/nouns.csv` instead, and each of its clips the labels (verb, noun).
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import csv_value, write_csv
from avtool.data.manifest import Manifest

LabelKind = Literal["single-label", "multi-label", "verb-noun"]
LABELS = "labels"
CLASS_FILES: dict[LabelKind, tuple[str, ...]] = {
    "single-label": ("classes",),
    "multi-label": ("classes",),
    "verb-noun": ("verbs", "nouns"),
}
_MAX_BYTES = 10_000_000
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class: its name, what its dataset calls it (AudioSet's `/m/09x0r`), and how many clips have it."""

    label: str
    code: str = ""
    count: int = 0


def write_classes(path: Path, classes: Sequence[LabelClass]) -> None:
    """Writes a class list with the columns index, label, count and, where there are codes, code."""
    columns = ["index", "label", "count", *(["code"] if any(entry.code for entry in classes) else [])]
    rows = ([index, entry.label, entry.count, entry.code] for index, entry in enumerate(classes))
    write_csv(path, columns, (row[: len(columns)] for row in rows))


def read_classes(path: Path) -> tuple[str, ...]:
    """Reads the labels of a class list, a CSV file with a column `label`, in the order of its rows.

    Raises:
        BadInputError: it is missing, no such file, empty, or names a class twice.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadInputError(f"`{path}` is too large for a class list", "give a CSV with a column `label`")
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        if "label" not in (rows.fieldnames or []):
            raise BadInputError(f"`{path}` has no column `label`", "give a CSV with the columns index,label")
        labels = [csv_value(row["label"] or "").strip() for row in rows]
    except OSError as error:
        raise BadInputError(f"cannot read the class list `{path}`: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"`{path}` is not a CSV file in UTF-8 ({error})") from error
    seen: set[str] = set()
    for number, label in enumerate(labels, start=1):
        if not label or label in seen:
            what = f"`{label}` stands twice" if label else "the label is empty"
            raise BadInputError(f"`{path}` row {number}: {what}", "name each class once")
        seen.add(label)
    if not labels:
        raise BadInputError(f"`{path}` names no class", "give a CSV with the columns index,label")
    return tuple(labels)


def class_lists(dataset: Path, task: LabelKind) -> tuple[tuple[str, ...], ...]:
    """The class lists of a dataset for a task: one, or verbs and nouns."""
    return tuple(read_classes(dataset / LABELS / f"{name}.csv") for name in CLASS_FILES[task])


@dataclass(frozen=True)
class Targets:
    """The labels of clips as class indices.

    Attributes:
        task: what they are labels of.
        classes: the class lists: one, or verbs and nouns.
        indices: of all clips one after the other, (num_labels,) int32.
        offsets: clip n has `indices[offsets[n]:offsets[n + 1]]`, (num_clips + 1,) int64.
    """

    task: LabelKind
    classes: tuple[tuple[str, ...], ...]
    indices: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, clip: int) -> NDArray[np.int32]:
        """The class indices of a clip."""
        return self.indices[self.offsets[clip] : self.offsets[clip + 1]]

    def target(self, clip: int) -> NDArray[Any]:
        """What a loss wants: a class index () int64, a multi-hot vector (C,) float32, or (2,) int64."""
        chosen = self.of(clip)
        if self.task == "multi-label":
            vector = np.zeros(len(self.classes[0]), np.float32)
            vector[chosen] = 1
            return vector
        return np.array(chosen[0] if self.task == "single-label" else chosen, np.int64)

    def counts(self) -> tuple[NDArray[np.int64], ...]:
        """How many clips have each class, (C,) for each class list."""
        if self.task != "verb-noun":
            return (np.bincount(self.indices, minlength=len(self.classes[0])).astype(np.int64),)
        return tuple(
            np.bincount(part, minlength=len(names)).astype(np.int64)
            for part, names in zip(self.indices.reshape(-1, 2).T, self.classes, strict=True)
        )

    def unseen(self) -> list[str]:
        """The classes that no clip has."""
        lists = zip(self.classes, self.counts(), strict=True)
        return [
            name for names, counts in lists for name, count in zip(names, counts, strict=True) if not count
        ]


def encode_labels(manifest: Manifest, task: LabelKind, classes: Sequence[Sequence[str]]) -> Targets:
    """Turns the labels of clips into class indices.

    Args:
        manifest: the clips.
        task: `single-label` and `verb-noun` want exactly one and two labels a clip.
        classes: the class lists, as `class_lists` gives them.

    Raises:
        BadInputError: a label is in no class list, or a clip has more or fewer labels than the task wants.
    """
    column = manifest.table["labels"].combine_chunks()
    lengths = pc.list_value_length(column).to_numpy()
    wanted = {"single-label": 1, "verb-noun": 2}.get(task)
    if wanted is not None and (lengths != wanted).any():
        raise _wrong_number(manifest, lengths != wanted, task, wanted)
    flat = column.flatten()
    if task == "verb-noun":
        indices = np.empty(len(flat), np.int32)
        for place, (names, what) in enumerate(zip(classes, ("verb", "noun"), strict=True)):
            indices[place::2] = _indices(
                flat.take(pa.array(range(place, len(flat), 2))), names, manifest, what
            )
    else:
        indices = _indices(flat, classes[0], manifest, "label")
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Targets(task, tuple(tuple(names) for names in classes), indices, offsets)


def _indices(labels: pa.Array, classes: Sequence[str], manifest: Manifest, what: str) -> NDArray[np.int32]:
    found = pc.index_in(labels, pa.array(classes, pa.string()))
    if found.null_count:
        foreign = sorted(set(labels.filter(pc.is_null(found)).to_pylist()))
        shown = ", ".join(f"`{name}`" for name in foreign[:_SHOWN]) + (", …" if len(foreign) > _SHOWN else "")
        plural = "s" if len(foreign) > 1 else ""
        message = f"{len(foreign)} {what}{plural} of `{manifest.origin}` not in the class list: {shown}"
        raise BadInputError(message, "add them to the class list, or prepare the dataset again")
    numbers: NDArray[np.int32] = found.to_numpy(zero_copy_only=False).astype(np.int32)
    return numbers


def _wrong_number(manifest: Manifest, bad: NDArray[np.bool_], task: LabelKind, wanted: int) -> BadInputError:
    clip = manifest[int(np.flatnonzero(bad)[0])]
    have = ", ".join(clip.labels) or "none"
    needed = "one label" if wanted == 1 else "a verb and a noun"
    message = f"{int(bad.sum())} clips of `{manifest.origin}` have not {needed}: `{clip.clip_id}` has {have}"
    hint = "choose --task multi-label, or correct the labels" if wanted == 1 else "its labels are verb, noun"
    return BadInputError(f"{message} ({task})", hint)
